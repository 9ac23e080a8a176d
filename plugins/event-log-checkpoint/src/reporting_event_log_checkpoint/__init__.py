"""The report ``event-log-checkpoint``: visit events as a parquet checkpoint."""
