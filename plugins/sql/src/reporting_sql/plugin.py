"""Registration of the plugins for SQL databases."""

from __future__ import annotations

from collections.abc import Sequence

from reporting_framework import LazyPlugin, hookimpl

REPORTING_API = 1


@hookimpl
def reporting_sources() -> Sequence[LazyPlugin]:
    """Return the source."""
    return [
        LazyPlugin(
            "sql-table",
            "reporting_sql.source:SqlTable",
            "rows of tables or of a query, in PostgreSQL, SQLite, MySQL or MariaDB",
        )
    ]


@hookimpl
def reporting_sinks() -> Sequence[LazyPlugin]:
    """Return the sink."""
    return [
        LazyPlugin(
            "sql-table",
            "reporting_sql.table_sink:SqlTableSink",
            "a table in PostgreSQL, SQLite, MySQL or MariaDB",
        )
    ]
