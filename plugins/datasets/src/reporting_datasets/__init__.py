"""Sinks for other tools: datasets of parquet files, and CSV files."""
