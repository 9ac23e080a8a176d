"""Source of JSON objects in S3 or a folder, and sink of parquet checkpoints."""
