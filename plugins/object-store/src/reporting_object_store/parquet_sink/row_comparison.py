"""Comparison of staged rows with the rows of the same source key and version."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from reporting_framework.storage import parquet_errors
from reporting_object_store.parquet_sink.checkpoint import Checkpoint
from reporting_object_store.parquet_sink.staged_keys import AT, PIECE, ROW
from reporting_object_store.parquet_sink.staging import StagedFile

WINDOW = 65_536
"""Maximum number of rows of a file that are compared at once."""


def windows(pairs: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Yield pairs by their position in the file, in the order of the staged rows.

    Args:
        pairs: Positions in a file, numbers of pieces and positions in them.
    """
    ordered = pairs.sort(AT)
    window = ordered[AT] // WINDOW
    begins = (window != window.shift(1)).fill_null(True).arg_true().to_list()
    for begin, end in zip(begins, [*begins[1:], ordered.height], strict=False):
        yield ordered[begin:end].sort(PIECE, ROW)


def equal_rows(
    file: Checkpoint, pieces: Sequence[StagedFile], pairs: pl.DataFrame
) -> pl.Series:
    """Return whether the staged row of each pair equals the row of the file.

    Columns that only the file has are ignored.

    Args:
        file: The file.
        pieces: The staged rows.
        pairs: Pairs that `windows` yielded.
    """
    first, last = _ends(pairs[AT])
    staged = pl.concat(
        [_rows(pieces[number], part[ROW]) for number, part in _by_piece(pairs)]
    )
    with parquet_errors.reading(file.uri):
        rows = file.numbered(AT).select(staged.columns).slice(first, last - first + 1)
        old = rows.collect()[pairs[AT] - first]
    equal = [old[name].eq_missing(staged[name]) for name in staged.columns]
    return pl.select(pl.all_horizontal(equal)).to_series()


def _by_piece(pairs: pl.DataFrame) -> Iterator[tuple[int, pl.DataFrame]]:
    parts = pairs.partition_by(PIECE, as_dict=True, maintain_order=True)
    for (number,), part in parts.items():
        yield number, part


def _rows(piece: StagedFile, positions: pl.Series) -> pl.DataFrame:
    first, last = _ends(positions)
    rows = pl.scan_ipc(piece.path).slice(first, last - first + 1).collect()
    return rows[positions - first]


def _ends(positions: pl.Series) -> tuple[int, int]:
    return positions.min(), positions.max()  # type: ignore[return-value]  # integers
