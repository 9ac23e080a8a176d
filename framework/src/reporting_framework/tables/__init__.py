"""Sinks that are tables of a database; what an author uses is `TableSink`."""
