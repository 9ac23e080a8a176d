"""Sinks that are tables of a database; authors subclass `TableSink`."""
