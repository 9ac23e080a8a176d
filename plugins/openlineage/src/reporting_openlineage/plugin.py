"""Observer that sends each run's inputs and outputs to OpenLineage.

The environment names the backend or the file that receives them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from reporting_framework import hookimpl
from reporting_openlineage.observer import Observer

if TYPE_CHECKING:
    import polars as pl

    from reporting_framework import ColumnSource
    from reporting_framework.plugin_api.result import RunResult, Step

REPORTING_API = 1
REPORTING_VARIABLES = ("REPORTING_OPENLINEAGE",)

_observer = Observer()


@hookimpl
def reporting_run_started(
    report: str,
    run_id: str,
    inputs: Sequence[str],
    steps: Sequence[Step],
    schema: pl.Schema,
    columns: Mapping[str, ColumnSource],
) -> None:
    """See `reporting_framework.plugin_api.hookspecs.reporting_run_started`."""
    _observer.started(report, run_id, inputs, steps, schema, columns)


@hookimpl
def reporting_run_finished(result: RunResult) -> None:
    """See `reporting_framework.plugin_api.hookspecs.reporting_run_finished`."""
    _observer.finished(result)


@hookimpl
def reporting_run_failed(report: str, run_id: str, error: BaseException) -> None:
    """See `reporting_framework.plugin_api.hookspecs.reporting_run_failed`."""
    _observer.failed(report, run_id, error)
