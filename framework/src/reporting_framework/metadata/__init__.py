"""Metadata of a report: everything that it keeps besides its rows."""
