"""Plugins that the framework brings itself."""
