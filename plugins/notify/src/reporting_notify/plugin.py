"""Observer that sends a message when a report fails, rejects too much or grows stale.

It says each thing once, and says when it is over.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from reporting_framework import hookimpl

if TYPE_CHECKING:
    from reporting_framework import ObserverContext
    from reporting_framework.plugin_api.result import RunResult

REPORTING_API = 1
REPORTING_VARIABLES = ("REPORTING_NOTIFY",)
REPORTING_SETTINGS = "reporting_notify.settings:NotifySettings"


@hookimpl
def reporting_run_finished(result: RunResult, context: ObserverContext) -> None:
    """See `reporting_framework.plugin_api.hookspecs.reporting_run_finished`."""
    if _is_wanted(context):
        from reporting_notify import observer

        observer.finished(result, context)


@hookimpl
def reporting_run_failed(
    report: str, run_id: str, error: BaseException, context: ObserverContext
) -> None:
    """See `reporting_framework.plugin_api.hookspecs.reporting_run_failed`."""
    if _is_wanted(context):
        from reporting_notify import observer

        observer.failed(report, run_id, error, context)


def _is_wanted(context: ObserverContext) -> bool:
    """Return whether there are settings; without them nothing is imported."""
    return bool(context.settings or os.environ.get("REPORTING_NOTIFY"))
