"""Registration of the plugins of the entry point ``sqlite-table``.

The module is loaded at every start, so it imports only the framework.
"""

from __future__ import annotations

from collections.abc import Sequence

from reporting_framework import LazyPlugin, hookimpl

REPORTING_API = 1


@hookimpl
def reporting_sources() -> Sequence[LazyPlugin]:
    """Return the source."""
    return [
        LazyPlugin(
            "sqlite-table",
            "acme_reporting.source:SqliteTable",
            "rows of a SQLite table, by a cursor",
        )
    ]


@hookimpl
def reporting_sinks() -> Sequence[LazyPlugin]:
    """Return the sink."""
    return [
        LazyPlugin(
            "sqlite-table",
            "acme_reporting.sink:SqliteTableSink",
            "a table of a SQLite file; append, upsert, replace",
        )
    ]
