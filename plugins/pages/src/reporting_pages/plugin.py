"""Registration of the page of any table."""

from __future__ import annotations

from collections.abc import Sequence

from reporting_framework import LazyPlugin, hookimpl

REPORTING_API = 1


@hookimpl
def reporting_pages() -> Sequence[LazyPlugin]:
    """Return the page of any table."""
    return [
        LazyPlugin(
            "table-overview",
            "reporting_pages.page:TableOverview",
            "any table: columns, rows over time, checks, runs",
        )
    ]
