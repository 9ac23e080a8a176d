"""Registration of the plugins for REDCap."""

from __future__ import annotations

from collections.abc import Sequence

from reporting_framework import LazyPlugin, hookimpl

REPORTING_API = 1

_HERE = "reporting_redcap"


@hookimpl
def reporting_sources() -> Sequence[LazyPlugin]:
    """Return the source."""
    return [
        LazyPlugin(
            "redcap",
            f"{_HERE}.source:Redcap",
            "records or a saved report of a REDCap project, typed by its dictionary",
        )
    ]


@hookimpl
def reporting_reports() -> Sequence[LazyPlugin]:
    """Return the report."""
    return [
        LazyPlugin(
            "redcap-report",
            f"{_HERE}.report:RedcapReport",
            "records or a saved report of a REDCap project as a parquet file",
        )
    ]
