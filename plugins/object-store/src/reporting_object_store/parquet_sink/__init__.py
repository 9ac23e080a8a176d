"""Sink ``parquet-checkpoint``, with its ledger and source state."""
