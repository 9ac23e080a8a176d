"""Whole runs of one plugin, and what was seen in them."""
