"""Writing of parquet files from frames; it needs memory for a few row groups."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

import polars as pl
from polars.io.plugins import register_io_source

from reporting_framework.storage import checksums
from reporting_framework.storage.temporary import naming

ROW_GROUP = 16_384
"""Rows in a row group. The number affects the file's bytes: the same rows give the same
file, in whatever order they were committed.
"""


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
    *,
    rows: int | None = None,
) -> None:
    """Write frames of `regroup` to a file, one row group each.

    The file has statistics, checksums and `metadata`.

    Args:
        frames: Frames of at most `rows` rows.
        schema: Their columns.
        path: Path of the file.
        compression: Compression of the pages.
        metadata: Further key-value metadata.
        rows: Number of rows of a row group, and of each frame except the last;
            `ROW_GROUP` by default.

    Raises:
        Exception: Any error of `frames`, unchanged (polars would wrap it).
    """
    raised: list[BaseException] = []
    groups = 0

    def source(
        columns: list[str] | None,
        predicate: pl.Expr | None,
        limit: int | None,
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
                row_group_size=rows or ROW_GROUP,
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
