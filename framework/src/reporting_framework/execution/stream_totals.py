"""Sum of the results of a report's streams."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from reporting_framework.errors import CheckFailed
from reporting_framework.execution.run_result import MAX_SAMPLES, by_frequency
from reporting_framework.execution.run_traffic import sum_of_traffic
from reporting_framework.plugin_api.records import TimeRange, around
from reporting_framework.plugin_api.result import (
    RejectionCount,
    RunResult,
    Seconds,
)

if TYPE_CHECKING:
    from reporting_framework.errors import ReportingError

_COUNTS = (
    "records_read",
    "accepted",
    "rejected",
    "filtered",
    "duplicates",
    "objects_unread",
    "objects_ignored",
    "remaining",
)
_UPSERT_COUNTS = ("inserted", "updated", "unchanged", "deleted")


def failed_stream(report: str, error: ReportingError) -> RunResult:
    """Return the result of a stream whose run failed."""
    if isinstance(error, CheckFailed):
        warnings = [*error.result.warnings, f"stream {report} failed: {error}"]
        failed: RunResult = error.result.model_copy(update={"warnings": warnings})
        return failed
    return RunResult(
        report=report,
        run_id=uuid.uuid4().hex,
        status="failed",
        complete=False,
        warnings=[f"stream {report} failed: {error}"],
    )


def sum_of(
    report: str, run_id: str, streams: Mapping[str, RunResult], *, seconds: float
) -> RunResult:
    """Return the sum of the results of all streams.

    Args:
        report: Name of the report.
        run_id: Id of the run as a whole.
        streams: Result of each stream, by name.
        seconds: Duration of the run as a whole.
    """
    results = list(streams.values())
    counts: dict[str, Any] = {
        name: sum(getattr(result, name) for result in results) for name in _COUNTS
    }
    for name in _UPSERT_COUNTS:
        known = [value for result in results if (value := getattr(result, name))]
        if any(getattr(result, name) is not None for result in results):
            counts[name] = sum(known)
    listings = {result.listing for result in results}
    moments = {
        name: [moment for result in results if (moment := getattr(result, name))]
        for name in ("listed_from", "full_scan_due", "last_processed_timestamp")
    }
    return RunResult(
        report=report,
        run_id=run_id,
        status="ok" if {result.status for result in results} == {"ok"} else "partial",
        complete=all(result.complete for result in results),
        cut_short=any(result.cut_short for result in results)
        and all(result.complete or result.cut_short for result in results),
        listing=listings.pop() if len(listings) == 1 else None,
        listed_from=min(moments["listed_from"], default=None),
        full_scan_due=min(moments["full_scan_due"], default=None),
        last_processed_timestamp=max(moments["last_processed_timestamp"], default=None),
        dry_run=any(result.dry_run for result in results),
        **counts,
        unread_reasons=_added(result.unread_reasons for result in results),
        ignored_fields=_added(result.ignored_fields for result in results),
        ignored_samples=[name for result in results for name in result.ignored_samples][
            :MAX_SAMPLES
        ],
        warnings=[warning for result in results for warning in result.warnings],
        outputs=[output for result in results for output in result.outputs],
        rejections=_reasons(results),
        schema_changes=[
            change for result in results for change in result.schema_changes
        ],
        checks=[
            outcome.model_copy(update={"stream": name})
            for name, result in streams.items()
            for outcome in result.checks
        ],
        traffic=sum_of_traffic(result.traffic for result in results),
        seconds=_seconds(results, seconds),
        spans=_spans(results),
        streams=dict(streams),
    )


def _added(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for each in counts:
        total.update(each)
    return dict(sorted(total.items()))


def _reasons(results: Iterable[RunResult]) -> list[RejectionCount]:
    counted: Counter[tuple[str, str | None]] = Counter()
    for result in results:
        for reason in result.rejections:
            counted[reason.type, reason.field] += reason.count
    return by_frequency(counted)


def _seconds(results: Iterable[RunResult], total: float) -> Seconds:
    stages: dict[str, float] = {}
    for result in results:
        for stage, taken in result.seconds.model_dump(by_alias=True).items():
            stages[stage] = round(stages.get(stage, 0.0) + taken, 6)
    return Seconds.model_validate({**stages, "total": round(total, 6)})


def _spans(results: Iterable[RunResult]) -> dict[str, TimeRange]:
    spans: dict[str, TimeRange] = {}
    for result in results:
        for stage, span in result.spans.items():
            spans[stage] = around(spans.get(stage), span)
    return spans
