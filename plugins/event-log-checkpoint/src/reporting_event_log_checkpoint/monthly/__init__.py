"""What the page ``monthly-visits`` is made of: its numbers, and its parts; it needs the extra `pages`."""
