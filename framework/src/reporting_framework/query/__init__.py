"""Queries, pages, schemas and SQL over a report's table."""
