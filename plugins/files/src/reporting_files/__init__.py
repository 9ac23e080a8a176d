"""The source ``files``: tables in files of a bucket or folder."""
