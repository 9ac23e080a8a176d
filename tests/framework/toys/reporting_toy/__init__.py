"""A plugin with a report of its own, to test the command line with."""
