"""SQL on a report's table, with DuckDB.

Only the command line uses it, with the extra ``sql``. No Lambda package includes it.
"""
