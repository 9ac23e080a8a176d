"""Records of formats that hold types: Parquet, Excel and Avro."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import closing

import polars as pl

from reporting_files.contents import Content
from reporting_files.problems import UnreadableError
from reporting_files.zip_limits import check_zip

BATCH_ROWS = 131_072
"""Rows of a Parquet file that are read at once."""


def parquet_frames(content: Content, data: bytes | None) -> Iterator[pl.DataFrame]:
    """Yield the rows of a Parquet file.

    A file that is not in memory is read once before, so that damage is found.

    Args:
        content: The file.
        data: Its content, decompressed; `None`: read it in part.

    Raises:
        ReportingError: Another version has replaced the file.
        UnreadableError: The file is damaged.
    """
    try:
        if data is not None:
            frame = pl.read_parquet(
                io.BytesIO(data), hive_partitioning=False, glob=False
            )
            for start in range(0, max(1, frame.height), BATCH_ROWS):
                yield frame[start : start + BATCH_ROWS]
            return
        for _ in _scanned(content):
            pass
        content.check_version()
        yield from _scanned(content)
        content.check_version()
    except pl.exceptions.PolarsError as error:
        raise UnreadableError("parquet_invalid") from error


def _scanned(content: Content) -> Iterator[pl.DataFrame]:
    target = content.scan_target()
    lazy = pl.scan_parquet(
        target.source, hive_partitioning=False, glob=False, **target.options
    )
    parts: list[pl.DataFrame] = []
    rows = 0
    for part in lazy.collect_batches(chunk_size=BATCH_ROWS, maintain_order=True):
        parts.append(part)
        rows += part.height
        if rows >= BATCH_ROWS:
            frame = pl.concat(parts)
            yield frame[:BATCH_ROWS]
            parts, rows = [frame[BATCH_ROWS:]], rows - BATCH_ROWS
    if rows:
        yield pl.concat(parts)


def excel_frame(data: bytes, sheet: str | None, limit: int) -> pl.DataFrame:
    """Return the rows of a sheet; the first row has the names.

    Args:
        data: The file.
        sheet: Name of the sheet, `None`: the first one.
        limit: Largest size after decompression.

    Raises:
        UnreadableError: The file is damaged or too large, or has no such sheet.
    """
    import fastexcel

    check_zip(data, limit)
    try:
        with closing(io.BytesIO(data)):
            book = fastexcel.read_excel(data)
            if not book.sheet_names or (sheet and sheet not in book.sheet_names):
                raise UnreadableError("no_such_sheet")
            loaded = book.load_sheet(
                sheet or 0, schema_sample_rows=None, dtype_coercion="coerce"
            )
            if not loaded.width:
                return pl.DataFrame()
            return loaded.to_polars()
    except fastexcel.FastExcelError as error:
        raise UnreadableError("excel_invalid") from error


def avro_frame(data: bytes) -> pl.DataFrame:
    """Return the records of an Avro file.

    Raises:
        UnreadableError: The file is damaged, or has types that polars does not read.
    """
    try:
        return pl.read_avro(io.BytesIO(data))
    except (pl.exceptions.PolarsError, OSError) as error:
        raise UnreadableError("avro_invalid") from error
