"""Registration of the package's plugins."""

from __future__ import annotations

from collections.abc import Sequence

from reporting_framework import LazyPlugin, hookimpl

REPORTING_API = 1


@hookimpl
def reporting_sources() -> Sequence[LazyPlugin]:
    """Return the source."""
    return [
        LazyPlugin(
            "singer",
            "reporting_singer.source:Singer",
            "records of a Singer tap, which runs as a program of its own",
        )
    ]
