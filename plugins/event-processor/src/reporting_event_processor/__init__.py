"""The report ``event-processor``: events of a stream are enriched, counted exactly and archived."""
