"""Records of formats that hold types: Parquet and Avro."""

from __future__ import annotations

import io
from collections.abc import Iterator

import polars as pl

from reporting_files.contents import Content
from reporting_files.expanded_size import AVRO, check_avro
from reporting_files.problems import UnreadableError
from reporting_framework.storage import ScanTarget

BATCH_ROWS = 131_072
"""Rows of a Parquet file that are returned at once."""


def parquet_frames(content: Content, data: bytes | None) -> Iterator[pl.DataFrame]:
    """Yield the rows of a Parquet file.

    A file of many rows is read once before, so that damage is found: a file of any size
    may hold them, as a repeated value takes no space.

    Args:
        content: The file.
        data: Its content, decompressed; `None`: read it in part.

    Raises:
        ReportingError: Another version has replaced the file.
        UnreadableError: The file is damaged.
    """
    try:
        target = content.scan_target() if data is None else ScanTarget(data)
        scan = _scan(target)
        if data is not None and scan.select(pl.len()).collect().item() <= BATCH_ROWS:
            yield scan.collect()
            return
        for _ in _in_parts(scan):
            pass
        if data is None:
            content.check_version()
        yield from _in_parts(scan)
        if data is None:
            content.check_version()
    except pl.exceptions.PolarsError as error:
        raise UnreadableError("parquet_invalid") from error


def parquet_schema(content: Content, data: bytes | None) -> pl.Schema:
    """Return the columns of a Parquet file; see `parquet_frames`."""
    try:
        target = content.scan_target() if data is None else ScanTarget(data)
        return _scan(target).collect_schema()
    except pl.exceptions.PolarsError as error:
        raise UnreadableError("parquet_invalid") from error


def _scan(target: ScanTarget) -> pl.LazyFrame:
    source = target.source
    if isinstance(source, bytes):
        source = io.BytesIO(source)
    return pl.scan_parquet(
        source, hive_partitioning=False, glob=False, **target.options
    )


def _in_parts(scan: pl.LazyFrame) -> Iterator[pl.DataFrame]:
    """Yield the rows in frames of `BATCH_ROWS`, whatever polars returns at once."""
    parts: list[pl.DataFrame] = []
    rows = 0
    for part in scan.collect_batches(chunk_size=BATCH_ROWS, maintain_order=True):
        parts.append(part)
        rows += part.height
        while rows >= BATCH_ROWS:
            frame = pl.concat(parts)
            yield frame[:BATCH_ROWS]
            parts, rows = [frame[BATCH_ROWS:]], rows - BATCH_ROWS
    if rows:
        yield pl.concat(parts)


def avro_frame(data: bytes, limit: int) -> pl.DataFrame:
    """Return the records of an Avro file.

    Args:
        data: The file.
        limit: Largest size of its blocks after decompression.

    Raises:
        UnreadableError: The file is damaged or too large, or has types that polars does
            not read.
    """
    check_avro(data, limit)
    try:
        return pl.read_avro(io.BytesIO(data))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise UnreadableError(AVRO) from error
