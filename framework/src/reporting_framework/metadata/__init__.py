"""Metadata of a report: everything that it keeps except its rows."""
