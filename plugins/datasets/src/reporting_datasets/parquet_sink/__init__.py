"""Sink ``parquet-dataset``: a folder of parquet files with an atomic manifest."""
