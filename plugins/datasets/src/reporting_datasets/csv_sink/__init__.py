"""Sink ``csv``: one CSV file."""
