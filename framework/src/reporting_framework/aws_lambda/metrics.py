"""Metrics that every report emits: names, units and values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from reporting_framework.plugin_api.result import RunResult


class Metric(NamedTuple):
    """A metric of a finished run.

    Attributes:
        unit: CloudWatch's unit.
        meaning: Meaning of its value, for the reference.
        of: Function that returns its value.
    """

    unit: str
    meaning: str
    of: Callable[[RunResult], float]


RUN_METRICS: Mapping[str, Metric] = {
    "EventsProcessed": Metric(
        "Count", "records newly kept", lambda result: result.accepted
    ),
    "EventsFailed": Metric("Count", "records rejected", lambda result: result.rejected),
    "EventsFiltered": Metric(
        "Count", "records dropped by a transform", lambda result: result.filtered
    ),
    "ObjectsUnread": Metric(
        "Count",
        "objects or records left for the next run",
        lambda result: result.objects_unread,
    ),
    "ObjectsIgnored": Metric(
        "Count",
        "objects whose names the report does not recognise",
        lambda result: result.objects_ignored,
    ),
    "ObjectsRemaining": Metric(
        "Count",
        "objects left because of the deadline",
        lambda result: result.remaining,
    ),
    "ExecutionTime": Metric(
        "Milliseconds",
        "wall time of the run",
        lambda result: result.seconds.total * 1000,
    ),
    "OutputFileSize": Metric(
        "Bytes",
        "size of all outputs after the run",
        lambda result: sum(output.bytes for output in result.outputs),
    ),
    "RunSucceeded": Metric("Count", "1", lambda result: 1),
    "RunFailed": Metric("Count", "0", lambda result: 0),
}
"""Metrics of a run that finished, whether ``ok`` or ``partial``."""

FAILURE_METRICS: Mapping[str, tuple[float, str]] = {
    "RunFailed": (1, "Count"),
    "RunSucceeded": (0, "Count"),
}
"""Metrics of a run that failed."""

REFUSAL_METRICS: Mapping[str, tuple[float, str]] = {"RequestsRefused": (1, "Count")}
"""Metrics of a request that was answered 400."""


PAGE_METRICS: Mapping[str, tuple[str, str]] = {
    "PagesWritten": ("Count", "pages put beside the table after the run"),
    "PagesFailed": ("Count", "1 if they could not be made, else 0"),
}
"""Unit and meaning of the metrics that ``REPORTING_AFTER=report`` adds."""


def of_pages(written: int, *, failed: bool) -> dict[str, tuple[float, str]]:
    """Return values and units of the metrics of pages."""
    return dict(
        zip(PAGE_METRICS, ((written, "Count"), (int(failed), "Count")), strict=True)
    )


CHECK_METRICS: Mapping[str, Metric] = {
    "ChecksFailed": Metric(
        "Count",
        "checks of severity `fail` that failed",
        lambda result: _failed_checks(result, "fail"),
    ),
    "ChecksWarned": Metric(
        "Count",
        "checks of severity `warn` that failed",
        lambda result: _failed_checks(result, "warn"),
    ),
}
"""Metrics of a run of a report with checks, failed or not."""


def _failed_checks(result: RunResult, severity: str) -> int:
    return sum(
        outcome.failed and outcome.severity == severity for outcome in result.checks
    )


def of_checks(result: RunResult) -> dict[str, tuple[float, str]]:
    """Return values and units of the metrics of checks; empty if there are none."""
    if not result.checks:
        return {}
    return {
        name: (metric.of(result), metric.unit) for name, metric in CHECK_METRICS.items()
    }


def of_run(result: RunResult) -> dict[str, tuple[float, str]]:
    """Return values and units of the metrics of a run."""
    own = {
        name: (metric.of(result), metric.unit) for name, metric in RUN_METRICS.items()
    }
    return {**own, **of_checks(result)}
