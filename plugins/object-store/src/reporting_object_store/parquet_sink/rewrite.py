"""Rewriting of a file: rows that stay, staged rows, and the source state."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

import polars as pl

from reporting_framework import DELETED_AT
from reporting_framework.storage import parquet_writing, row_versions
from reporting_object_store.parquet_sink.staging import positions_in
from reporting_object_store.parquet_sink.state import metadata_of

if TYPE_CHECKING:
    from reporting_object_store.parquet_sink.resolution import FilePlan


class Written(NamedTuple):
    """Counts of a file that was written.

    Attributes:
        rows: Number of rows.
        newest: Timestamp of the last row; `None` if rows have no timestamp.
        deleted: Number of rows that are deleted.
    """

    rows: int
    newest: datetime | None
    deleted: int


class StayingRows:
    """Rows of a file that stay, in their new state.

    Args:
        plan: Plan with the rows to leave out.
        deleted_at: Time of deletion for rows whose source key was not read; `None`:
            these rows stay unchanged.
        hard: Whether deleted rows are left out, rows that were deleted before too.
    """

    def __init__(
        self, plan: FilePlan, deleted_at: datetime | None, *, hard: bool
    ) -> None:
        self._plan, self._at, self._hard = plan, deleted_at, hard

    def of(self, frames: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
        """Yield the rows of the file that stay, in their order."""
        begin = 0
        for frame in frames:
            rows = self._kept(frame, begin)
            begin += frame.height
            if rows.height:
                yield rows

    def _kept(self, frame: pl.DataFrame, begin: int) -> pl.DataFrame:
        dropped = positions_in(frame.height, begin, self._plan.dropped)
        if self._hard and frame[DELETED_AT].count():  # they were kept before
            deleted = frame[DELETED_AT].is_not_null()
            dropped = deleted if dropped is None else dropped | deleted
        if self._at is not None:
            gone = frame[DELETED_AT].is_null()
            known = positions_in(frame.height, begin, self._plan.known)
            if known is not None:
                gone &= ~known
            if self._hard:
                dropped = gone if dropped is None else dropped | gone
            elif gone.any():
                at = pl.lit(self._at).cast(frame.schema[DELETED_AT])
                frame = frame.with_columns(
                    pl.when(gone).then(at).otherwise(DELETED_AT).alias(DELETED_AT)
                )
        return frame if dropped is None else frame.filter(~dropped)


def write_rows(
    rows: Iterator[pl.DataFrame],
    schema: pl.Schema,
    path: Path,
    timestamp: str,
    compression: Literal["zstd", "snappy"],
    state: str | None,
) -> Written:
    """Write sorted rows and a state to a file."""
    count, newest, deleted = 0, None, 0
    if timestamp == row_versions.VERSION_MOMENT:
        schema = pl.Schema(
            {name: dtype for name, dtype in schema.items() if name != timestamp}
        )

    def counted() -> Iterator[pl.DataFrame]:
        nonlocal count, newest, deleted
        for frame in rows:
            count += frame.height
            if timestamp == row_versions.VERSION_MOMENT:
                frame = frame.drop(timestamp)
            else:
                newest = frame[timestamp][-1]
            if DELETED_AT in frame.columns:
                deleted += frame[DELETED_AT].count()
            yield frame

    parquet_writing.write(
        parquet_writing.regroup(counted()),
        schema,
        path,
        compression,
        metadata_of(state),
    )
    return Written(count, newest, deleted)
