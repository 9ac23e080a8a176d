"""Observer that reports assets, row counts and checks to Dagster, and to nobody else.

It does something only in a process that Dagster Pipes started.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from reporting_framework import hookimpl

if TYPE_CHECKING:
    from reporting_framework import ObserverContext
    from reporting_framework.plugin_api.result import RunResult

REPORTING_API = 1

VARIABLE = "DAGSTER_PIPES_CONTEXT"
"""Variable of a process that Dagster Pipes started."""


@hookimpl
def reporting_run_finished(result: RunResult, context: ObserverContext) -> None:
    """See `reporting_framework.plugin_api.hookspecs.reporting_run_finished`."""
    if _is_started_by_dagster():
        from reporting_dagster_pipes import observer

        observer.finished(result, context)


@hookimpl
def reporting_run_failed(
    report: str, error: BaseException, context: ObserverContext
) -> None:
    """See `reporting_framework.plugin_api.hookspecs.reporting_run_failed`."""
    if _is_started_by_dagster():
        from reporting_dagster_pipes import observer

        observer.failed(report, error, context)


def is_in_environment() -> bool:
    """Return whether the environment says that Dagster started this process."""
    return VARIABLE in os.environ


def _is_started_by_dagster() -> bool:
    """Return whether Dagster started this process, or its program has a session."""
    return is_in_environment() or "dagster_pipes" in sys.modules
