"""Merging of sorted rows, frame by frame, and writing to parquet.

It needs memory for a few row groups.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Literal

import polars as pl
from polars.io.plugins import register_io_source

from reporting_framework import SOURCE_KEY
from reporting_framework.storage import checksums, naming

ROW_GROUP = 16_384
"""Rows in a row group. The number affects the file's bytes: the same rows give the same
file, in whatever order they were committed.
"""

READ_ROWS = 262_144
"""Number of rows of the old file that are read at once."""


def merge(
    old: Iterator[pl.DataFrame], new: Iterator[pl.DataFrame], timestamp: str
) -> Iterator[pl.DataFrame]:
    """Merge the rows of two streams that are sorted by (timestamp, source key).

    No source key may be in both.
    """
    left, right = next(old, None), next(new, None)
    while left is not None and right is not None:
        bound = min(_last(left, timestamp), _last(right, timestamp))
        left_rows, left = _split_at(left, bound, timestamp)
        right_rows, right = _split_at(right, bound, timestamp)
        if left_rows.height and right_rows.height:
            yield pl.concat([left_rows, right_rows]).sort(timestamp, SOURCE_KEY)
        else:
            yield left_rows if left_rows.height else right_rows
        left = left if left.height else next(old, None)
        right = right if right.height else next(new, None)
    for rest, stream in ((left, old), (right, new)):
        if rest is not None:
            yield rest
            yield from stream


def _last(frame: pl.DataFrame, timestamp: str) -> tuple[datetime, str]:
    return frame[timestamp][-1], frame[SOURCE_KEY][-1]


def _split_at(
    frame: pl.DataFrame, bound: tuple[datetime, str], timestamp: str
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the rows up to and including `bound`, and the rest."""
    moment, source_key = bound
    begin = frame[timestamp].search_sorted(moment, side="left")
    end = frame[timestamp].search_sorted(moment, side="right")
    at = begin + int((frame[SOURCE_KEY][begin:end] <= source_key).sum())
    return frame[:at], frame[at:]


def regroup(
    frames: Iterator[pl.DataFrame], rows: int = ROW_GROUP
) -> Iterator[pl.DataFrame]:
    """Yield the same rows in frames of exactly `rows` rows, except the last frame.

    Each frame is in one chunk of memory.
    """
    held: list[pl.DataFrame] = []
    count = 0
    for frame in frames:
        held.append(frame)
        count += frame.height
        while count >= rows:
            whole = pl.concat(held)
            yield whole[:rows].rechunk()
            held, count = [whole[rows:]], count - rows
    if count:
        yield pl.concat(held).rechunk()


def write(
    frames: Iterator[pl.DataFrame],
    schema: pl.Schema,
    path: Path,
    compression: Literal["zstd", "snappy"],
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write frames of `regroup` to a file, one row group each.

    The file has statistics, checksums and `metadata`.

    Raises:
        Exception: Any error of `frames`, unchanged (polars would wrap it).
    """
    raised: list[BaseException] = []
    groups = 0

    def source(
        columns: list[str] | None,
        predicate: pl.Expr | None,
        rows: int | None,
        batch: int | None,
    ) -> Iterator[pl.DataFrame]:
        nonlocal groups
        try:
            for frame in frames:
                groups += 1
                yield frame
        except BaseException as error:
            raised.append(error)
            raise

    try:
        with naming(path):
            register_io_source(source, schema=schema).sink_parquet(
                path,
                compression=compression,
                statistics=True,
                row_group_size=ROW_GROUP,
                metadata=lambda _: {
                    **checksums.placeholder(groups),
                    **(metadata or {}),
                },  # asked for when all frames were given
            )
            with path.open("r+b") as file:
                checksums.seal(file)
    except Exception:
        if raised:
            raise raised[0] from None
        raise
