"""The report ``event-processor``: events are enriched, counted exactly and archived."""
