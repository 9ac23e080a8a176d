"""What the entry point ``sqlite-table`` brings.

Only the framework is imported: it is loaded at every start.
"""

from __future__ import annotations

from collections.abc import Sequence

from reporting_framework import LazyPlugin, hookimpl

REPORTING_API = 1


@hookimpl
def reporting_sources() -> Sequence[LazyPlugin]:
    """The source."""
    return [
        LazyPlugin(
            "sqlite-table",
            "acme_reporting.source:SqliteTable",
            "rows of a SQLite table, by a cursor",
        )
    ]


@hookimpl
def reporting_sinks() -> Sequence[LazyPlugin]:
    """The sink."""
    return [
        LazyPlugin(
            "sqlite-table",
            "acme_reporting.sink:SqliteTableSink",
            "a table of a SQLite file; append, upsert, replace",
        )
    ]
