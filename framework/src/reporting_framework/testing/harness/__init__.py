"""Whole runs of one plugin, and observations of them."""
