"""The report ``event-log-checkpoint``.

Visit events become a parquet checkpoint that analysts query.
"""
