"""One run of one report."""
