"""Fault injection: in calls of a plugin, and in requests to a server."""
