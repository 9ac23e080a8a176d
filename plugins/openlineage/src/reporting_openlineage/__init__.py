"""Runs as OpenLineage events."""
