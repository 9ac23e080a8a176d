"""Registration of the plugin for REST APIs."""

from __future__ import annotations

from collections.abc import Sequence

from reporting_framework import LazyPlugin, hookimpl

REPORTING_API = 1


@hookimpl
def reporting_sources() -> Sequence[LazyPlugin]:
    """Return the source."""
    return [
        LazyPlugin(
            "rest-api",
            "reporting_rest.source:RestApi",
            "records of a REST API, each of its resources a stream",
        )
    ]
