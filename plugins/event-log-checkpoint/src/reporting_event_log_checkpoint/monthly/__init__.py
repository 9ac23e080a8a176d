"""Numbers and sections of the page ``monthly-visits``; needs the extra `pages`."""
