"""The report ``event-log-checkpoint``: visit events become a parquet checkpoint that analysts query."""
