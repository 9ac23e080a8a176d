"""Delta Lake tables as sink and source."""
