"""Content of the page ``table-overview``."""
