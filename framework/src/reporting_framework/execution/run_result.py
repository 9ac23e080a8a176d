"""`RunResult` of a run, made from its totals."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from reporting_framework.errors import InvariantBroken
from reporting_framework.plugin_api.records import (
    FILTERED,
    CommitResult,
    UpsertCounts,
)
from reporting_framework.plugin_api.result import (
    QuarantineState,
    RejectionCount,
    RunResult,
    Seconds,
)

if TYPE_CHECKING:
    from reporting_framework.execution.planning import Run
    from reporting_framework.execution.totals import RunTotals
    from reporting_framework.plugin_api.source import PlanStats

MAX_SAMPLES = 5
"""Names of ignored objects that a result shows."""


class RecordCounts(NamedTuple):
    """Numbers of records of a run; without `upserted`, their sum is the number read.

    Attributes:
        accepted: Rows that are in the table.
        rejected: Records that failed validation.
        filtered: Records that a transform dropped.
        duplicates: Rows that were left out, as the table has them.
        upserted: Counts of an ``upsert``, if a sink knows them.
    """

    accepted: int
    rejected: int
    filtered: int
    duplicates: int
    upserted: UpsertCounts | None


def run_result(
    run: Run,
    totals: RunTotals,
    commit_results: Sequence[CommitResult],
    plan_stats: PlanStats,
    *,
    quarantine: QuarantineState | None,
    response: Any = None,
) -> RunResult:
    """Return the result of a run.

    Raises:
        InvariantBroken: The number of records read is not the sum of accepted,
            rejected, filtered and duplicates.
    """
    counts = _record_counts(run, totals, commit_results)
    return RunResult(
        report=run.pipeline.report,
        run_id=run.id,
        status="ok" if totals.complete and not totals.unread else "partial",
        complete=totals.complete,
        cut_short=totals.exhausted and totals.cut_short,
        listing=plan_stats.listing,
        listed_from=plan_stats.listed_from,
        full_scan_due=plan_stats.full_scan_due,
        dry_run=not run.writes,
        records_read=totals.read + plan_stats.repeated,
        accepted=counts.accepted,
        rejected=counts.rejected,
        filtered=counts.filtered,
        duplicates=counts.duplicates + plan_stats.repeated,
        **(counts.upserted._asdict() if counts.upserted else {}),
        objects_unread=len(totals.unread),
        unread_reasons=dict(
            sorted(Counter(item.reason for item in totals.unread).items())
        ),
        objects_ignored=plan_stats.ignored + len(totals.ignored),
        ignored_samples=[*plan_stats.ignored_samples, *totals.ignored][:MAX_SAMPLES],
        remaining=(
            0 if not run.writes else plan_stats.waiting
        ),  # what a sample leaves is not known
        ignored_fields=dict(sorted(totals.ignored_fields.items())),
        outputs=[output for result in commit_results for output in result.outputs],
        last_processed_timestamp=_newest(commit_results),
        rejections=by_frequency(
            Counter(
                (item.error_type, item.field)
                for item in totals.rejections
                if item.error_type != FILTERED
            )
        ),
        quarantine=quarantine,
        spans=totals.spans,
        response=response,
        seconds=Seconds(
            **{stage: round(taken, 6) for stage, taken in totals.seconds.items()},
            total=round(time.monotonic() - run.began, 6),
        ),
    )


def _record_counts(
    run: Run, totals: RunTotals, commit_results: Sequence[CommitResult]
) -> RecordCounts:
    """Count the records of a run; see `run_result`."""
    filtered = sum(rejection.error_type == FILTERED for rejection in totals.rejections)
    rejected = len(totals.rejections) - filtered
    upserting = [result for result in commit_results if result.upserted and run.writes][
        :1
    ]
    known = [
        result.duplicates
        for result in upserting or commit_results
        if result.duplicates is not None
    ]
    duplicates = (
        min(totals.staged, *known) if known else 0
    )  # of rows that failed elsewhere, some may be among them
    accepted = totals.staged - duplicates
    upserted = upserting[0].upserted if upserting else None
    if upserted and sum(upserted[:3]) != accepted:
        raise InvariantBroken(
            f"report {run.pipeline.report}: {accepted} records were accepted,"
            f" {upserted.inserted} inserted, {upserted.updated} updated and"
            f" {upserted.unchanged} unchanged: that does not add up"
        )
    if totals.read != accepted + rejected + filtered + duplicates:
        raise InvariantBroken(
            f"report {run.pipeline.report}: {totals.read} records were read,"
            f" {accepted} accepted, {rejected} rejected, {filtered} filtered and"
            f" {duplicates} were duplicates: that does not add up"
        )
    return RecordCounts(accepted, rejected, filtered, duplicates, upserted)


def by_frequency(counted: Counter[tuple[str, str | None]]) -> list[RejectionCount]:
    """Return counted error types and fields, the most frequent first."""
    ordered = sorted(
        counted.items(), key=lambda item: (-item[1], item[0][0], item[0][1] or "")
    )
    return [
        RejectionCount(type=kind, field=field, count=number)
        for (kind, field), number in ordered
    ]


def _newest(commit_results: Sequence[CommitResult]) -> datetime | None:
    return max(
        (
            commit_result.newest
            for commit_result in commit_results
            if commit_result.newest is not None
        ),
        default=None,
    )
