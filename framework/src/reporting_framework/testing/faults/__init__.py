"""What makes I/O fail: calls of a plugin, and requests to a server."""
