"""Sum of a run's split results, and the `RunResult` made from it."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from reporting_framework.errors import InvariantBroken
from reporting_framework.plugin_api.base import supports
from reporting_framework.plugin_api.records import (
    FILTERED,
    SOURCE_KEY,
    VERSION,
    CommitResult,
    FinishedSplit,
    ReadFailure,
    Rejection,
    SplitResult,
    StagedPart,
    TimeRange,
    around,
)
from reporting_framework.plugin_api.result import (
    QuarantineState,
    RejectionCount,
    RunResult,
    Seconds,
)
from reporting_framework.plugin_api.source_keys import (
    multi_record_objects,
    newest_versions,
    objects_among,
)

if TYPE_CHECKING:
    import polars as pl

    from reporting_framework.execution.planning import Run
    from reporting_framework.plugin_api.source import PlanStats

MAX_SAMPLES = 5
"""Names of ignored objects that a result shows."""


@dataclass(slots=True)
class RunTotals:
    """Running sum of split results; it keeps no rows, only the data for the commit.

    Attributes:
        sinks: Number of sinks of the report.
        expected_replays: Quarantined objects that were planned to be read again.
        versions_ordered: Whether the newest version of a record is kept.
        keeps_splits: Whether the source needs the finished splits for its state.
        read: Records read.
        staged: Rows handed to the sinks.
        deletes: Records that were deleted at the source.
        done: Splits that were read, as a whole or up to a position, if they are kept:
            a split may name hundreds of objects.
        multi_record_objects: Objects of several records that were read.
        replayed: Objects of `expected_replays` that were read; the quarantine entries
            of the others stay unchanged.
        newest_read: Newest version that was read of each replayed object, if versions
            have an order.
        spans: First beginning and last end of each stage.
        exhausted: Whether the source had no more splits.
        cut_short: Whether a split could not be read to its end.
    """

    sinks: int
    expected_replays: Set[str] = frozenset()
    versions_ordered: bool = False
    keeps_splits: bool = True
    read: int = 0
    staged: int = 0
    splits: int = 0
    deletes: int = 0
    done: list[FinishedSplit] = field(default_factory=list)
    rejections: list[Rejection] = field(default_factory=list)
    unread: list[ReadFailure] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    ignored_fields: Counter[str] = field(default_factory=Counter)
    staged_by_split: list[tuple[int, list[list[StagedPart]]]] = field(
        default_factory=list
    )
    multi_record_objects: set[str] = field(default_factory=set)
    replayed: set[str] = field(default_factory=set)
    newest_read: dict[str, str | None] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    spans: dict[str, TimeRange] = field(default_factory=dict)
    exhausted: bool = False
    cut_short: bool = False

    @classmethod
    def begin(cls, run: Run, expected_replays: Set[str]) -> RunTotals:
        """Return the totals of a run that has read nothing yet.

        Args:
            run: The run.
            expected_replays: Quarantined objects that the plan gives out again.
        """
        pipeline = run.pipeline
        return cls(
            len(pipeline.sinks),
            expected_replays if run.replay is None else frozenset(run.replay),
            versions_ordered="upsert" in pipeline.modes,
            keeps_splits=supports(pipeline.source, "next_state"),
        )

    @property
    def complete(self) -> bool:
        """True if all splits were processed to their ends.

        Single objects may still be unread; these are known by name.
        """
        return self.exhausted and not self.cut_short

    def add_time(self, stage: str, began: float, taken: float) -> None:
        """Add the time of a stage: `taken` seconds from `began` (epoch) on."""
        self.seconds[stage] += taken
        self.spans[stage] = around(self.spans.get(stage), (began, began + taken))

    def staged_parts(self, sink: int) -> list[StagedPart]:
        """Return the staged parts of the sink at this position, in the plan's order."""
        ordered = sorted(self.staged_by_split, key=lambda staged: staged[0])
        return [part for _, by_sink in ordered for part in by_sink[sink]]

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add the time of the block to a stage, unless the block raises."""
        at, began = time.time(), time.perf_counter()
        yield
        self.add_time(stage, at, time.perf_counter() - began)

    def exhaust(self) -> None:
        """Record that the source has no more splits."""
        self.exhausted = True

    def add(self, split_result: SplitResult, position: int = 0) -> None:
        """Add one split result.

        Args:
            split_result: Result of a split.
            position: Position of the split in the plan: staged parts are committed in
                the order of the plan.
        """
        self.splits += 1
        self.read += len(split_result.source_keys)
        self.staged += split_result.accepted
        self.rejections += split_result.rejections
        self.unread += split_result.unread
        self.ignored += split_result.ignored
        self.ignored_fields.update(split_result.ignored_fields)
        for stage, taken in split_result.seconds.items():
            self.seconds[stage] += taken
        for stage, span in split_result.spans.items():
            self.spans[stage] = around(self.spans.get(stage), span)
        whole, position_read = not split_result.unread, split_result.position
        if self.keeps_splits and (whole or position_read is not None):
            self.done.append(FinishedSplit(split_result.split, position_read, whole))
        self.multi_record_objects |= multi_record_objects(split_result.source_keys)
        self._note_replayed(split_result.source_keys, split_result.versions)
        if (deletes := split_result.deletes) is not None:
            self.deletes += deletes.height
            self._note_replayed(deletes[SOURCE_KEY], deletes[VERSION])
        self.staged_by_split.append((position, split_result.staged_parts))

    def _note_replayed(
        self,
        keys: Sequence[str] | pl.Series,
        versions: Sequence[str | None] | pl.Series,
    ) -> None:
        """Record the quarantined objects that were read, and their versions."""
        replayed = objects_among(keys, self.expected_replays)
        self.replayed |= replayed
        if not (replayed and self.versions_ordered):
            return
        for key, version in newest_versions(keys, versions, replayed).items():
            known = self.newest_read.get(key)
            self.newest_read[key] = max(known or "", version or "") or None

    def add_commits(self, commit_results: Sequence[CommitResult]) -> None:
        """Add the results of the sinks' commits.

        A row that a sink could not keep counts as not read, as it is delivered again.
        """
        failed: dict[str, ReadFailure] = {}
        for commit_result in commit_results:
            for stage, (began, ended) in commit_result.spans:
                self.add_time(stage, began, ended - began)
            for item in commit_result.failed:
                failed.setdefault(item.source_key, item)
        self.unread += failed.values()
        self.read -= len(failed)
        self.staged -= len(failed)

    def mark_unread(self, unread: Sequence[ReadFailure]) -> None:
        """Count rejected records that could not be stored as not read."""
        source_keys = {item.source_key for item in unread}
        kept = [
            rejection
            for rejection in self.rejections
            if rejection.source_key not in source_keys
        ]
        self.read -= len(self.rejections) - len(kept)
        self.rejections[:] = kept
        self.unread += unread

    def result(
        self,
        run: Run,
        commit_results: Sequence[CommitResult],
        plan_stats: PlanStats,
        *,
        quarantine: QuarantineState | None,
        response: Any = None,
    ) -> RunResult:
        """Return the result of the run.

        Raises:
            InvariantBroken: The number of records read is not the sum of accepted,
                rejected, filtered and duplicates.
        """
        filtered = sum(
            rejection.error_type == FILTERED for rejection in self.rejections
        )
        rejected = len(self.rejections) - filtered
        upserting = [
            result for result in commit_results if result.upserted and run.writes
        ][:1]
        known = [
            commit_result.duplicates
            for commit_result in upserting or commit_results
            if commit_result.duplicates is not None
        ]
        duplicates = (
            min(self.staged, *known) if known else 0
        )  # of rows that failed elsewhere, some may be among them
        accepted = self.staged - duplicates
        upserted = upserting[0].upserted if upserting else None
        if upserted and sum(upserted[:3]) != accepted:
            raise InvariantBroken(
                f"report {run.pipeline.report}: {accepted} records were accepted,"
                f" {upserted.inserted} inserted, {upserted.updated} updated and"
                f" {upserted.unchanged} unchanged: that does not add up"
            )
        if self.read != accepted + rejected + filtered + duplicates:
            raise InvariantBroken(
                f"report {run.pipeline.report}: {self.read} records were read,"
                f" {accepted} accepted, {rejected} rejected, {filtered} filtered and"
                f" {duplicates} were duplicates: that does not add up"
            )
        return RunResult(
            report=run.pipeline.report,
            run_id=run.id,
            status="ok" if self.complete and not self.unread else "partial",
            complete=self.complete,
            cut_short=self.exhausted and self.cut_short,
            listing=plan_stats.listing,
            listed_from=plan_stats.listed_from,
            full_scan_due=plan_stats.full_scan_due,
            dry_run=not run.writes,
            records_read=self.read + plan_stats.repeated,
            accepted=accepted,
            rejected=rejected,
            filtered=filtered,
            duplicates=duplicates + plan_stats.repeated,
            **(upserted._asdict() if upserted else {}),
            objects_unread=len(self.unread),
            unread_reasons=dict(
                sorted(Counter(item.reason for item in self.unread).items())
            ),
            objects_ignored=plan_stats.ignored + len(self.ignored),
            ignored_samples=[*plan_stats.ignored_samples, *self.ignored][:MAX_SAMPLES],
            remaining=(
                0 if not run.writes else plan_stats.waiting
            ),  # what a sample leaves is not known
            ignored_fields=dict(sorted(self.ignored_fields.items())),
            outputs=[
                output
                for commit_result in commit_results
                for output in commit_result.outputs
            ],
            last_processed_timestamp=_newest(commit_results),
            rejections=self._reasons(),
            quarantine=quarantine,
            spans=self.spans,
            response=response,
            seconds=Seconds(
                **{stage: round(taken, 6) for stage, taken in self.seconds.items()},
                total=round(time.monotonic() - run.began, 6),
            ),
        )

    def _reasons(self) -> list[RejectionCount]:
        """Return the reasons for rejection, the most frequent first."""
        counted = Counter(
            (item.error_type, item.field)
            for item in self.rejections
            if item.error_type != FILTERED
        )
        return by_frequency(counted)


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
