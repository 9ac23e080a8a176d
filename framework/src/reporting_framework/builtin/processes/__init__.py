"""Worker processes: splits past the GIL."""
