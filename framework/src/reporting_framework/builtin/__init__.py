"""Plugins of the framework itself."""
