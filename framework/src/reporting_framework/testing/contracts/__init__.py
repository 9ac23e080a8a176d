"""Contracts of the roles, as suites that a plugin's tests inherit."""
