"""JSON objects from S3 or a folder in, one parquet checkpoint out."""
