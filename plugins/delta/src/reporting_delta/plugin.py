"""Registration of the package's plugins."""

from __future__ import annotations

from collections.abc import Sequence

from reporting_framework import LazyPlugin, hookimpl

REPORTING_API = 1


@hookimpl
def reporting_sources() -> Sequence[LazyPlugin]:
    """Return the sources."""
    return [
        LazyPlugin(
            "delta-table",
            "reporting_delta.source:DeltaTableSource",
            "rows of a Delta Lake table, and then its changes",
        )
    ]


@hookimpl
def reporting_sinks() -> Sequence[LazyPlugin]:
    """Return the sinks."""
    return [
        LazyPlugin(
            "delta-table",
            "reporting_delta.sink:DeltaTableSink",
            "a Delta Lake table; rows and source state are one commit",
            early="reporting_datasets.parquet_sink.place:first_reads",
        )
    ]
