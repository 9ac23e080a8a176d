"""Queries, pages, schemas and SQL for a report's table."""
