"""The sink ``parquet-checkpoint``, and what a report keeps beside its table."""
