"""Staged rows in ranges of source keys that fit into memory."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import polars as pl

from reporting_datasets.staging import SAMPLE, Piece, unique_rows
from reporting_framework import SOURCE_KEY

RANGE_ROWS = 262_144
RANGE_BYTES = 16 * 1024 * 1024
"""Maximum number of rows of a range, and their size in memory, about."""


class KeyRange(NamedTuple):
    """Staged rows of a range of source keys, each source key once, in order.

    Attributes:
        rows: The rows.
        superseded: Number of other rows of these source keys, without deletes.
        low: First source key of the range; "" is before every other.
        high: First source key after the range, `None`: there is none.
    """

    rows: pl.DataFrame
    superseded: int
    low: str
    high: str | None


def key_ranges(
    pieces: Sequence[Piece], empty: pl.DataFrame, *, versions: bool
) -> Iterator[KeyRange]:
    """Yield all staged rows; ranges follow each other and cover all source keys.

    Args:
        pieces: The staged rows, in the order in which they were staged.
        empty: Frame without rows, in the schema of the rows.
        versions: See `unique_rows`.
    """
    readers = [_Reader(piece) for piece in pieces]
    low = ""
    for high in [*_bounds(pieces), None]:
        parts = [part for reader in readers if (part := reader.until(high)).height]
        rows, superseded = empty, 0
        if parts:
            rows = pl.concat(parts)
            if len(parts) > 1:
                rows, superseded = unique_rows(rows, versions=versions)
                rows = rows.sort(SOURCE_KEY)
        yield KeyRange(rows, superseded, low, high)
        low = high or ""


def _bounds(pieces: Sequence[Piece]) -> list[str]:
    """Return the source keys at which a new range begins."""
    rows = sum(piece.rows for piece in pieces)
    size = sum(piece.bytes for piece in pieces)
    number = max(-(-rows // RANGE_ROWS), -(-size // RANGE_BYTES))
    if number < 2:
        return []
    keys = sorted(key for piece in pieces for key in piece.samples)
    bounds = {keys[len(keys) * at // number] for at in range(1, number)}
    return sorted(bounds - {""})


class _Reader:
    """Rows of a piece from the first to the last."""

    def __init__(self, piece: Piece) -> None:
        self._piece, self._at = piece, 0
        self._file = pl.scan_ipc(piece.path)

    def until(self, bound: str | None) -> pl.DataFrame:
        """Return the next rows before `bound`; only their batches are read."""
        most = self._piece.rows
        if bound is not None:
            most = min(most, bisect_left(self._piece.samples, bound) * SAMPLE)
        frame = self._file.slice(self._at, max(0, most - self._at)).collect()
        if bound is not None and frame.height and frame[SOURCE_KEY][-1] >= bound:
            frame = frame[: frame[SOURCE_KEY].search_sorted(bound, side="left")]
        self._at += frame.height
        return frame
