"""The observer: says in the log what a run did. Replace it with yours.

All hooks are in `reporting_framework.plugin_api.hookspecs`.
"""

from __future__ import annotations

import logging

from reporting_framework import hookimpl
from reporting_framework.plugin_api.result import RunResult

_log = logging.getLogger(__name__)


@hookimpl
def reporting_run_started(report: str, run_id: str) -> None:
    """A run begins."""
    _log.info("%s: run %s begins", report, run_id)


@hookimpl
def reporting_run_finished(result: RunResult) -> None:
    """A run is over."""
    counts = (result.accepted, result.rejected, result.objects_unread)
    _log.info("%s: %s, %d accepted, %d rejected, %d unread", result.report, result.status, *counts)


@hookimpl
def reporting_run_failed(report: str, error: BaseException) -> None:
    """A run was given up. Only the error's type is told: its message may hold a value of a record."""
    _log.error("%s: failed with %s", report, type(error).__name__)
