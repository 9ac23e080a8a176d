"""The sink ``ndjson-archive``."""
