"""Writing of data files: rows that stay, staged rows, and their statistics."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Literal, NamedTuple

import polars as pl

from reporting_datasets.parquet_sink.data_files import AT
from reporting_datasets.parquet_sink.plan import FileChange
from reporting_framework import DELETED_AT, SOURCE_KEY, VERSION
from reporting_framework.storage import parquet_writing

ROW_GROUP = 65_536
"""Rows in a row group."""

PACKED = 0.35
"""Assumed share of their size in memory that rows have in a file, if none is known."""


class Written(NamedTuple):
    """File that was written, not yet in its place.

    Attributes:
        path: Path of the file.
        rows: Number of rows.
        deleted: Number of these rows that are deleted.
        first: First source key.
        last: Last source key.
        newest: Newest timestamp in µs since the epoch, `None` without one.
    """

    path: Path
    rows: int
    deleted: int
    first: str
    last: str
    newest: int | None


class FileWriter(NamedTuple):
    """Writer of data files.

    Attributes:
        timestamp: Column of the newest timestamp, `None`: there is none.
        compression: Compression of the pages.
    """

    timestamp: str | None
    compression: Literal["zstd", "snappy"]

    def write(
        self, frames: Iterator[pl.DataFrame], schema: pl.Schema, path: Path
    ) -> Written | None:
        """Write sorted rows to a file; return `None` if there are none."""
        rows, deleted = 0, 0
        first = last = ""
        newest: int | None = None

        def counted() -> Iterator[pl.DataFrame]:
            nonlocal rows, deleted, first, last, newest
            for frame in frames:
                keys = frame[SOURCE_KEY]
                first, last = (first if rows else keys[0]), keys[-1]
                rows += frame.height
                if DELETED_AT in frame.columns:
                    deleted += frame[DELETED_AT].count()
                known = self._newest(frame)
                if known is not None:
                    newest = known if newest is None else max(newest, known)
                yield frame

        parquet_writing.write(
            parquet_writing.regroup(counted(), ROW_GROUP),
            schema,
            path,
            self.compression,
            rows=ROW_GROUP,
        )
        return Written(path, rows, deleted, first, last, newest) if rows else None

    def _newest(self, frame: pl.DataFrame) -> int | None:
        if self.timestamp is None:
            return None
        newest: int | None = frame[self.timestamp].dt.timestamp("us").max()  # type: ignore[assignment]
        return newest


def changed_rows(
    old: Iterator[pl.DataFrame],
    change: FileChange,
    new: Iterator[pl.DataFrame],
    at: datetime | None,
    *,
    purge: bool = False,
) -> Iterator[pl.DataFrame]:
    """Yield the rows of a file after its changes, in order.

    Args:
        old: Its rows.
        change: Its changes.
        new: Rows that replace some of its rows, in order.
        at: Time of deletion of rows that are marked as deleted.
        purge: Whether deleted rows are left out.
    """
    begin, rest = 0, _Rest(new)
    for frame in old:
        end = begin + frame.height
        last = frame[SOURCE_KEY][-1]
        index = pl.int_range(begin, end, dtype=pl.UInt32).alias(AT)
        begin = end
        if len(change.gone):
            gone = index.is_in(change.gone.implode())
            moment = pl.lit(at).cast(frame.schema[DELETED_AT])
            frame = frame.with_columns(
                pl.when(gone).then(moment).otherwise(DELETED_AT).alias(DELETED_AT),
                pl.when(~(gone & _has_no_values(frame))).then(VERSION).alias(VERSION),
            )
        if len(change.dropped):
            frame = frame.filter(~index.is_in(change.dropped.implode()))
        if purge:
            frame = frame.filter(pl.col(DELETED_AT).is_null())
        if (more := rest.until(last)) is not None:
            names = frame.columns
            frame = pl.concat([frame, more.select(names)]).sort(SOURCE_KEY)
        if frame.height:
            yield frame
    yield from rest.left()


def _has_no_values(frame: pl.DataFrame) -> pl.Expr:
    """Return whether a row has only a key, as a delete that its source gave.

    A version beside nulls says that the source has deleted the record in this version,
    so another delete of such a row removes its version.
    """
    own = (SOURCE_KEY, VERSION, DELETED_AT)
    names = [name for name in frame.columns if name not in own]
    return pl.all_horizontal(pl.lit(True), *(pl.col(name).is_null() for name in names))


class _Rest:
    """Rows that are taken up to a source key."""

    def __init__(self, frames: Iterator[pl.DataFrame]) -> None:
        self._frames = frames
        self._held: pl.DataFrame | None = None

    def until(self, last: str) -> pl.DataFrame | None:
        """Return the rows up to and including `last`, `None` if there are none."""
        parts = []
        while (frame := self._next()) is not None:
            end = frame[SOURCE_KEY].search_sorted(last, side="right")
            if end:
                parts.append(frame[:end])
            if end < frame.height:
                self._held = frame[end:]
                break
        return pl.concat(parts) if parts else None

    def left(self) -> Iterator[pl.DataFrame]:
        """Yield all other rows."""
        while (frame := self._next()) is not None:
            yield frame

    def _next(self) -> pl.DataFrame | None:
        frame, self._held = self._held, None
        return next(self._frames, None) if frame is None else frame


def in_files(
    frames: Iterator[pl.DataFrame], rows: int
) -> Iterator[Iterator[pl.DataFrame]]:
    """Yield the frames of one file after the other, each of `rows` rows.

    The frames of a file must be taken before the next file is asked for.
    """
    rest = _Sized(frames)
    while rest.more:
        with closing(rest.take(rows)) as part:
            yield part


class _Sized:
    """Frames of which a number of rows is taken at a time."""

    def __init__(self, frames: Iterator[pl.DataFrame]) -> None:
        self._frames = frames
        self._held = next(frames, None)

    @property
    def more(self) -> bool:
        """True if there are more rows."""
        return self._held is not None

    def take(self, rows: int) -> Generator[pl.DataFrame, None, None]:
        """Yield frames with the next `rows` rows."""
        while rows > 0 and self._held is not None:
            frame = self._held[:rows]
            rest = self._held[rows:]
            rows -= frame.height
            self._held = rest if rest.height else next(self._frames, None)
            yield frame
