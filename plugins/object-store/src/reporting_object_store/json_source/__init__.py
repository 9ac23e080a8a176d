"""The source ``object-store-json``: JSON objects of a bucket or folder."""
