"""Metadata of a report: all but its rows."""
