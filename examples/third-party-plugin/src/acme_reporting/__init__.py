"""Example of a third-party plugin: source and sink of SQLite tables, and a webhook."""
