"""Work on one split: read, validate, transform, stage."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

from reporting_framework.errors import TransientError
from reporting_framework.execution.split_reader import (
    PreparedPart,
    SplitReader,
    log_unread,
    timed,
    unread,
)
from reporting_framework.execution.versions import without_versions
from reporting_framework.plugin_api.records import Split, SplitResult, WriteMode

if TYPE_CHECKING:
    import polars as pl

    from reporting_framework.execution.pipeline import Pipeline

WRITE_MODES: Collection[WriteMode] = get_args(WriteMode)


@dataclass(frozen=True)
class SplitWorker:
    """Function that processes a split and returns its result.

    Another process may do the first part of the work; see `DividedWork`.

    Attributes:
        pipeline: The report.
        limit: Read at most this many records and stage nothing (a dry run), or None.
    """

    pipeline: Pipeline
    limit: int | None = None

    def __call__(self, split: Split) -> SplitResult:
        """Read, validate, transform and stage one split."""
        result = self.start(split)
        with closing(self.reader()(split)) as parts:
            for number, part in enumerate(parts):
                self.add(result, number, part)
        return result

    def reader(self) -> SplitReader:
        """Return the function that reads, validates and transforms a split."""
        pipeline = self.pipeline
        return SplitReader(
            pipeline.report,
            pipeline.source,
            pipeline.validator,
            pipeline.transforms,
            pipeline.schema,
            appends=pipeline.appends,
            pushed=pipeline.pushed,
            limit=self.limit,
        )

    def first_part(self) -> Callable[[Split], Iterable[PreparedPart]] | None:
        """See `DividedWork.first_part`; staging is left to this process."""
        if self.limit is not None or self.pipeline.pushed:
            return None
        from reporting_framework.execution.portable_reader import (
            portable,
        )  # an engine in this process does not need it

        schema = self.pipeline.source_schema
        return portable(self.reader(), None if schema is None else schema.taken)

    def start(self, split: Split) -> SplitResult:
        """See `DividedWork.start`."""
        return self._of(SplitResult(split), split)

    def add(self, result: SplitResult, number: int, part: PreparedPart) -> None:
        """See `DividedWork.add`; the rows of the part are staged."""
        taken, kept, rows, deletes = part
        self._of(taken, result.split)
        if deletes and rows is not None and "upsert" in self.pipeline.modes:
            self._stage_checks(taken, rows)
            self._stage(taken, rows, ["upsert"], number)
        if kept is not None:
            taken.add(self._kept(self._of(kept, result.split), rows, number))
        result.add(taken)

    def _kept(
        self, kept: SplitResult, rows: pl.DataFrame | None, part: int
    ) -> SplitResult:
        """Stage the rows of a batch, and return its result.

        If this fails and the trigger delivers again, count the batch as unread.
        """
        if rows is None:
            return kept
        try:
            self._stage_checks(kept, rows)
            self._stage(kept, rows, WRITE_MODES, part)
        except TransientError as error:
            if not self.pipeline.pushed:
                raise
            log_unread(error)
            name = self._at_fault(kept)
            return self._of(unread(kept, kept.source_keys, name), kept.split)
        return kept

    def _at_fault(self, kept: SplitResult) -> str:
        """Return the name of the part that could not stage the rows of a batch."""
        if self.pipeline.checks is not None and not kept.check_parts:
            return "checks"
        staged = zip(self.pipeline.sinks, kept.staged_parts, strict=True)
        return next(sink.name for sink, parts in staged if not parts)

    def _stage_checks(self, result: SplitResult, rows: pl.DataFrame) -> None:
        if (checks := self.pipeline.checks) is not None:
            result.check_parts.append(timed(result, "check", checks.stage, rows))

    def _stage(
        self,
        result: SplitResult,
        rows: pl.DataFrame,
        modes: Collection[WriteMode],
        part: int,
    ) -> None:
        """Stage rows in the sinks of these modes; add the staged parts and the time."""
        if self.limit is not None:
            return
        pipeline = self.pipeline
        for sink, mode, staged_parts in zip(
            pipeline.sinks, pipeline.modes, result.staged_parts, strict=True
        ):
            if mode in modes:
                plain = mode == "append" and not pipeline.appends
                frame = without_versions(rows) if plain else rows
                staged_parts.append(
                    timed(result, "commit", sink.stage, frame, result.split, part)
                )

    def _of(self, result: SplitResult, split: Split) -> SplitResult:
        """Return a result without staged parts as one of this split."""
        result.split = split
        result.staged_parts = [[] for _ in self.pipeline.sinks]
        return result
