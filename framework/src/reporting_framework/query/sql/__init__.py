"""SQL on a report's table, by DuckDB: only the command line needs it, with the extra ``sql``; no package has it."""
