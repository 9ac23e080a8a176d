"""The report ``event-processor``.

Events of a stream are enriched, counted exactly and archived.
"""
