"""Registration of the engine."""

from __future__ import annotations

from collections.abc import Sequence

from reporting_framework import LazyPlugin, hookimpl

REPORTING_API = 1


@hookimpl
def reporting_engines() -> Sequence[LazyPlugin]:
    """Return the engine."""
    return [
        LazyPlugin(
            "spark",
            "reporting_spark.engine:SparkEngine",
            "executors of Apache Spark read and validate",
        )
    ]
