"""The metrics that every report emits: names, units, and what each is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from reporting_framework.plugin_api.result import RunResult


class Metric(NamedTuple):
    """A metric of a run that was not given up.

    Attributes:
        unit: CloudWatch's unit.
        meaning: What it counts or measures, for the reference.
        of: Its value.
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
        "objects or records that come again",
        lambda result: result.objects_unread,
    ),
    "ObjectsIgnored": Metric(
        "Count",
        "objects of a name unknown to the report",
        lambda result: result.objects_ignored,
    ),
    "ObjectsRemaining": Metric(
        "Count",
        "objects left because the deadline came",
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
"""What a run emits when it was not given up, whether ``ok`` or ``partial``."""

FAILURE_METRICS: Mapping[str, tuple[float, str]] = {
    "RunFailed": (1, "Count"),
    "RunSucceeded": (0, "Count"),
}
"""What a run emits that was given up."""

REFUSAL_METRICS: Mapping[str, tuple[float, str]] = {"RequestsRefused": (1, "Count")}
"""What a request emits that was answered 400."""


PAGE_METRICS: Mapping[str, tuple[str, str]] = {
    "PagesWritten": ("Count", "pages put beside the table after the run"),
    "PagesFailed": ("Count", "1 where they could not be made, else 0"),
}
"""What a function with ``REPORTING_AFTER=report`` emits besides: unit and meaning."""


def of_pages(written: int, *, failed: bool) -> dict[str, tuple[float, str]]:
    """Values and units of the metrics of pages."""
    return dict(
        zip(PAGE_METRICS, ((written, "Count"), (int(failed), "Count")), strict=True)
    )


def of_run(result: RunResult) -> dict[str, tuple[float, str]]:
    """Values and units of the metrics of a run."""
    return {
        name: (metric.of(result), metric.unit) for name, metric in RUN_METRICS.items()
    }
