"""Installed plugins, with their reports and observers."""
