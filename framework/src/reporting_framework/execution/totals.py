"""Sum of a run's split results."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reporting_framework.plugin_api.base import supports
from reporting_framework.plugin_api.records import (
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
    object_of,
)
from reporting_framework.plugin_api.source_keys import (
    multi_record_objects,
    newest_versions,
    objects_among,
)
from reporting_framework.plugin_api.traffic import count_all

if TYPE_CHECKING:
    import polars as pl

    from reporting_framework.execution.planning import Run


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
        check_parts: Rows that were staged for checks, by position of the split.
        multi_record_objects: Objects of several records that were read.
        rejected_objects: Objects of the rejections, if versions have an order.
        replayed: Objects of `expected_replays` and of `rejected_objects` that were
            read; the quarantine entries of the others stay unchanged.
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
    check_parts: list[tuple[int, list[StagedPart]]] = field(default_factory=list)
    multi_record_objects: set[str] = field(default_factory=set)
    rejected_objects: set[str] = field(default_factory=set)
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
        count_all(split_result.traffic)
        self.read += len(split_result.source_keys)
        self.staged += split_result.accepted
        self.rejections += split_result.rejections
        if self.versions_ordered:
            self.rejected_objects.update(
                object_of(rejection.source_key) for rejection in split_result.rejections
            )
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
        if split_result.check_parts:
            self.check_parts.append((position, split_result.check_parts))

    def _note_replayed(
        self,
        keys: Sequence[str] | pl.Series,
        versions: Sequence[str | None] | pl.Series,
    ) -> None:
        """Record the quarantined objects that were read, and their versions."""
        replayed = objects_among(keys, self.expected_replays)
        replayed |= objects_among(keys, self.rejected_objects)
        self.replayed |= replayed
        if not (replayed and self.versions_ordered):
            return
        for key, version in newest_versions(keys, versions, replayed).items():
            known = self.newest_read.get(key)
            self.newest_read[key] = max(known or "", version or "") or None

    def final_rejections(self) -> list[Rejection]:
        """Return the rejections, less those with a newer version that was read.

        The last one of a source key is the newest.
        """
        if not self.versions_ordered:
            return self.rejections
        return sorted(
            (
                rejection
                for rejection in self.rejections
                if (rejection.version or "")
                >= (self.newest_read.get(object_of(rejection.source_key)) or "")
            ),
            key=lambda rejection: rejection.version or "",
        )

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
