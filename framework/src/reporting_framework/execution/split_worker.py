"""Work on one split: read, validate, transform, stage.

It runs in any thread, process or machine that the engine chooses.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from reporting_framework.errors import InvariantBroken, PluginError, TransientError
from reporting_framework.execution.batch_checks import check_batch, check_stream
from reporting_framework.execution.plugin_errors import call, closing, owner_of
from reporting_framework.execution.plugin_results import check_columns
from reporting_framework.execution.versions import (
    delete_rows,
    versions_apart,
    with_versions,
)
from reporting_framework.plugin_api.records import (
    FILTERED,
    SOURCE_KEY,
    VERSION,
    Batch,
    ReadFailure,
    Rejection,
    Split,
    SplitResult,
)
from reporting_framework.plugin_api.source_keys import with_natural_keys

if TYPE_CHECKING:
    import polars as pl

    from reporting_framework.execution.pipeline import Pipeline
    from reporting_framework.plugin_api.transform import Transform

P = ParamSpec("P")
T = TypeVar("T")

_END: Any = object()

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SplitWorker:
    """Function that processes a split and returns its result.

    Attributes:
        pipeline: The report.
        limit: Read at most this many records and stage nothing (a dry run), or None.
    """

    pipeline: Pipeline
    limit: int | None = None

    def __call__(self, split: Split) -> SplitResult:
        """Read, validate, transform and stage one split."""
        report, source = self.pipeline.report, self.pipeline.source
        split_result = self._empty(split)
        parts = count()
        with closing(_timed(split_result, "read", source.read, split)) as batches:
            while True:
                batch = _timed(split_result, "read", next, batches, _END)
                left = (
                    None
                    if self.limit is None
                    else self.limit - len(split_result.source_keys)
                )
                if batch is _END or (left is not None and left <= 0):
                    return split_result
                subject = f"report {report}: source {source.name}"
                check_batch(batch, subject, source.output_format)
                check_stream(batch, (None, source.stream), subject)
                if source.natural_keys:
                    batch = with_natural_keys(batch)
                if left is not None:
                    batch = _first_records(batch, left)
                for piece in (
                    [batch] if self.pipeline.appends else versions_apart(batch)
                ):
                    split_result.add(self._stage_batch(piece, split, next(parts)))
                if batch.deletes is not None and batch.deletes.height:
                    split_result.add(
                        self._stage_deletes(batch.deletes, split, next(parts))
                    )

    def _empty(self, split: Split) -> SplitResult:
        return SplitResult(split, staged_parts=[[] for _ in self.pipeline.sinks])

    def _stage_batch(self, batch: Batch, split: Split, part: int) -> SplitResult:
        """Validate, transform and stage a batch.

        If this fails and the trigger delivers again, count the batch as unread.
        """
        taken = self._empty(split)
        taken.position = batch.position
        taken.unread.extend(batch.unread)
        taken.ignored.extend(batch.ignored)
        taken.reject(batch.rejected)
        if not len(batch.source_keys):
            return taken
        kept = self._empty(split)
        plugin = self.pipeline.validator.name
        try:
            frame = self._validated(batch, kept)
            columns = []
            for transform in self.pipeline.transforms:
                plugin = transform.name
                frame = self._transformed(transform, frame, batch, kept)
                columns.append(frame.schema)
            if columns and columns[-1] != self.pipeline.schema:
                self._check_transforms(columns)
            checks = self.pipeline.checks
            if frame.height and (self.limit is None or checks is not None):
                versioned = (
                    frame if self.pipeline.appends else with_versions(frame, batch)
                )
                if checks is not None:
                    plugin = "checks"
                    kept.check_parts.append(
                        _timed(kept, "check", checks.stage, versioned)
                    )
            if self.limit is None and frame.height:
                for sink, mode, staged_parts in zip(
                    self.pipeline.sinks,
                    self.pipeline.modes,
                    kept.staged_parts,
                    strict=True,
                ):
                    plugin = sink.name
                    rows = frame if mode == "append" else versioned
                    staged_parts.append(
                        _timed(kept, "commit", sink.stage, rows, split, part)
                    )
            kept.accepted = frame.height
            kept.take(batch.source_keys, batch.versions)
        except TransientError as error:
            if not self.pipeline.pushed:
                raise
            _log.warning("records to be delivered again: %s", error)
            kept = self._unread(batch, kept, f"{plugin}: unavailable")
        taken.add(kept)
        return taken

    def _stage_deletes(
        self, deletes: pl.DataFrame, split: Split, part: int
    ) -> SplitResult:
        """Stage records that were deleted at the source, if the mode is ``upsert``."""
        taken = self._empty(split)
        rows = delete_rows(deletes, self.pipeline.schema)
        taken.deletes = rows.select(SOURCE_KEY, VERSION)
        if self.pipeline.checks is not None and "upsert" in self.pipeline.modes:
            taken.check_parts.append(self.pipeline.checks.stage(rows))
        if self.limit is not None:
            return taken
        for sink, mode, staged_parts in zip(
            self.pipeline.sinks, self.pipeline.modes, taken.staged_parts, strict=True
        ):
            if mode == "upsert":
                staged_parts.append(
                    _timed(taken, "commit", sink.stage, rows, split, part)
                )
        return taken

    def _unread(self, batch: Batch, kept: SplitResult, reason: str) -> SplitResult:
        """Return a batch as not read, except its rejected records."""
        split_result = self._empty(kept.split)
        split_result.reject(kept.rejections)
        split_result.ignored_fields = kept.ignored_fields
        rejected = {rejection.source_key for rejection in kept.rejections}
        split_result.unread = [
            ReadFailure(source_key, reason)
            for source_key in batch.source_keys
            if source_key not in rejected
        ]
        return split_result

    def _validated(self, batch: Batch, kept: SplitResult) -> pl.DataFrame:
        validator = self.pipeline.validator
        validated = _timed(kept, "validate", validator.validate, batch)
        if validated.frame.height + len(validated.rejections) != len(batch.source_keys):
            raise InvariantBroken(
                f"report {self.pipeline.report}: validator {validator.name} was given"
                f" {len(batch.source_keys)} records and answered for"
                f" {validated.frame.height + len(validated.rejections)}"
            )
        subject = f"report {self.pipeline.report}: validator {validator.name}"
        check_columns(validated.frame.schema, validator.schema, subject)
        kept.rejections.extend(validated.rejections)
        kept.ignored_fields.update(validated.ignored_fields)
        return validated.frame

    def _check_transforms(self, columns: Sequence[pl.Schema]) -> None:
        """Raise an error that names the transform with other columns than planned.

        Args:
            columns: Columns of the frame that each transform returned.
        """
        empty = self.pipeline.validator.schema.to_frame()
        for transform, returned in zip(self.pipeline.transforms, columns, strict=True):
            empty = transform.apply(empty)
            subject = f"report {self.pipeline.report}: transform {transform.name}"
            check_columns(returned, empty.schema, subject)

    def _transformed(
        self, transform: Transform, frame: pl.DataFrame, batch: Batch, kept: SplitResult
    ) -> pl.DataFrame:
        shaped, dropped = _timed(kept, "transform", _apply, transform, frame)
        if shaped.height + len(dropped) != frame.height:
            raise InvariantBroken(
                f"report {self.pipeline.report}: transform {transform.name} made"
                f" {shaped.height} rows of {frame.height} and dropped {len(dropped)}"
            )
        if len(dropped):
            versions = dict(zip(batch.source_keys, batch.versions, strict=True))
            kept.rejections.extend(
                Rejection(source_key, versions[source_key], FILTERED)
                for source_key in dropped
            )
        return shaped


def _apply(transform: Transform, frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
    """Apply a transform; return the frame, and the source keys of dropped rows.

    Raises:
        PluginError: The frame has no source keys.
    """
    shaped, source_keys = transform.apply(frame), frame[SOURCE_KEY]
    if SOURCE_KEY not in shaped.columns:
        raise PluginError(
            f"{owner_of(transform).subject}: its frame has no column {SOURCE_KEY}; keep"
            " it"
        )
    return shaped, call(
        owner_of(transform),
        lambda: source_keys.filter(~source_keys.is_in(shaped[SOURCE_KEY].implode())),
    )


def _timed(
    split_result: SplitResult,
    stage: str,
    function: Callable[P, T],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    """Call a function, and add its time to a stage."""
    at, began = time.time(), time.perf_counter()
    result = function(*args, **kwargs)
    split_result.add_time(stage, at, time.perf_counter() - began)
    return result


def _first_records(batch: Batch, left: int) -> Batch:
    """Return the first `left` records of a batch.

    Records that the source itself rejected count as the last.
    """
    return batch._replace(
        rejected=batch.rejected[: max(0, left - len(batch.source_keys))],
        source_keys=batch.source_keys[:left],
        versions=batch.versions[:left],
        payloads=batch.payloads[:left] if batch.payloads is not None else None,
        frame=batch.frame[:left] if batch.frame is not None else None,
    )
