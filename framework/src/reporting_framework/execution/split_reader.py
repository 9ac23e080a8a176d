"""First part of the work on a split: read, validate, transform.

It needs no sink, so it runs in any thread, process or machine.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, ParamSpec, TypeVar

from reporting_framework.errors import InvariantBroken, PluginError, TransientError
from reporting_framework.execution.batch_checks import check_batch, check_stream
from reporting_framework.execution.plugin_errors import (
    call,
    closing,
    log_errors,
    owner_of,
)
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

    from reporting_framework.plugin_api.source import Source
    from reporting_framework.plugin_api.transform import Transform
    from reporting_framework.plugin_api.validator import Validator

P = ParamSpec("P")
T = TypeVar("T")

_END: Any = object()

_log = logging.getLogger(__name__)


class PreparedPart(NamedTuple):
    """Batch of a split, ready to be staged.

    Attributes:
        taken: Result of reading it, for which no staged part is needed.
        kept: Result of validating and transforming it, which counts once its rows are
            staged; `None`: it has no records.
        rows: Rows to stage, with their versions unless all sinks append.
        deletes: Whether the rows are records that were deleted at the source.
    """

    taken: SplitResult
    kept: SplitResult | None = None
    rows: pl.DataFrame | None = None
    deletes: bool = False


@dataclass(frozen=True)
class SplitReader:
    """Function that reads, validates and transforms a split.

    Attributes:
        report: Name of the report.
        source: Source of the report, guarded like the other plugins.
        validator: Validator of the report.
        transforms: Transforms of the report.
        schema: Schema of the frames that reach the sinks.
        appends: Whether the write mode of all sinks is ``append``.
        pushed: Whether a trigger named the work, and delivers it again if it is not
            taken.
        limit: Read at most this many records; `None`: read all.
    """

    report: str
    source: Source
    validator: Validator
    transforms: Sequence[Transform]
    schema: pl.Schema
    appends: bool = True
    pushed: bool = False
    limit: int | None = None

    def __call__(self, split: Split) -> Generator[PreparedPart]:
        """Yield the split batch by batch, and last the rest of the time of reading."""
        subject = f"report {self.report}: source {self.source.name}"
        read, reading = 0, SplitResult(split)
        with closing(timed(reading, "read", self.source.read, split)) as batches:
            while True:
                batch = timed(reading, "read", next, batches, _END)
                left = None if self.limit is None else self.limit - read
                if batch is _END or (left is not None and left <= 0):
                    yield PreparedPart(reading)
                    return
                check_batch(batch, subject, self.source.output_format)
                check_stream(batch, (None, self.source.stream), subject)
                if self.source.natural_keys:
                    batch = with_natural_keys(batch)
                if left is not None:
                    batch = _first_records(batch, left)
                for piece in [batch] if self.appends else versions_apart(batch):
                    read += len(piece.rejected) + len(piece.source_keys)
                    yield self._prepared(piece, reading)
                    reading = SplitResult(split)
                if batch.deletes is not None and batch.deletes.height:
                    yield self._deleted(batch.deletes, reading)
                    reading = SplitResult(split)

    def close(self) -> None:
        """Close the source of a reader that was built for this process."""
        log_errors(self.source.close, "while closing")

    def _prepared(self, batch: Batch, taken: SplitResult) -> PreparedPart:
        """Validate and transform a batch.

        If this fails and the trigger delivers again, count the batch as unread.
        """
        taken.position = batch.position
        taken.unread.extend(batch.unread)
        taken.ignored.extend(batch.ignored)
        taken.reject(batch.rejected)
        if not len(batch.source_keys):
            return PreparedPart(taken)
        kept = SplitResult(taken.split)
        plugin = self.validator.name
        try:
            frame = self._validated(batch, kept)
            columns = []
            for transform in self.transforms:
                plugin = transform.name
                frame = _transformed(self.report, transform, frame, batch, kept)
                columns.append(frame.schema)
            if columns and columns[-1] != self.schema:
                self._check_transforms(columns)
        except TransientError as error:
            if not self.pushed:
                raise
            log_unread(error)
            return PreparedPart(taken, unread(kept, batch.source_keys, plugin))
        kept.accepted = frame.height
        kept.take(batch.source_keys, batch.versions)
        if not frame.height:
            return PreparedPart(taken, kept)
        rows = frame if self.appends else with_versions(frame, batch)
        return PreparedPart(taken, kept, rows)

    def _deleted(self, deletes: pl.DataFrame, taken: SplitResult) -> PreparedPart:
        """Return records that were deleted at the source."""
        rows = delete_rows(deletes, self.schema)
        taken.deletes = rows.select(SOURCE_KEY, VERSION)
        return PreparedPart(taken, None, rows, deletes=True)

    def _validated(self, batch: Batch, kept: SplitResult) -> pl.DataFrame:
        validator = self.validator
        validated = timed(kept, "validate", validator.validate, batch)
        if validated.frame.height + len(validated.rejections) != len(batch.source_keys):
            raise InvariantBroken(
                f"report {self.report}: validator {validator.name} was given"
                f" {len(batch.source_keys)} records and answered for"
                f" {validated.frame.height + len(validated.rejections)}"
            )
        subject = f"report {self.report}: validator {validator.name}"
        check_columns(validated.frame.schema, validator.schema, subject)
        kept.rejections.extend(validated.rejections)
        kept.ignored_fields.update(validated.ignored_fields)
        return validated.frame

    def _check_transforms(self, columns: Sequence[pl.Schema]) -> None:
        """Raise an error that names the transform with other columns than planned.

        Args:
            columns: Columns of the frame that each transform returned.
        """
        empty = self.validator.schema.to_frame()
        for transform, returned in zip(self.transforms, columns, strict=True):
            empty = transform.apply(empty)
            subject = f"report {self.report}: transform {transform.name}"
            check_columns(returned, empty.schema, subject)


def unread(
    kept: SplitResult, source_keys: Sequence[str] | pl.Series, plugin: str
) -> SplitResult:
    """Return the result of a batch whose records are not taken, except the rejected.

    Args:
        kept: Result of the batch up to the plugin that was not available.
        source_keys: Source keys of its records.
        plugin: Name of the plugin.
    """
    split_result = SplitResult(kept.split)
    split_result.reject(kept.rejections)
    split_result.ignored_fields = kept.ignored_fields
    rejected = {rejection.source_key for rejection in kept.rejections}
    split_result.unread = [
        ReadFailure(source_key, f"{plugin}: unavailable")
        for source_key in source_keys
        if source_key not in rejected
    ]
    return split_result


def log_unread(error: TransientError) -> None:
    """Log why the records of a batch are not taken."""
    _log.warning("records to be delivered again: %s", error)


def timed(
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


def _transformed(
    report: str,
    transform: Transform,
    frame: pl.DataFrame,
    batch: Batch,
    kept: SplitResult,
) -> pl.DataFrame:
    shaped, dropped = timed(kept, "transform", _apply, transform, frame)
    if shaped.height + len(dropped) != frame.height:
        raise InvariantBroken(
            f"report {report}: transform {transform.name} made"
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
