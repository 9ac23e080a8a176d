"""SQL on a report's table, by DuckDB.

Only the command line needs it, with the extra ``sql``. No package has it.
"""
