"""Positions of rows in files and in staged pieces, a few bytes each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import polars as pl


class Positions:
    """Positions of rows by the number of their file or piece.

    Args:
        number: Column of that number.
        at: Column of the position in the file or piece.
    """

    def __init__(self, number: str, at: str) -> None:
        self._number, self._at = number, at
        self._parts: dict[int, list[pl.Series]] = defaultdict(list)

    def add(self, rows: pl.DataFrame) -> None:
        """Add the positions of rows."""
        for number, part in parts_by(rows, self._number).items():
            self._parts[number].append(part[self._at].rechunk())

    def take(self, number: int) -> pl.Series:
        """Return the positions in a file or piece, in order, and forget them."""
        parts = self._parts.pop(number, None)
        if not parts:
            return pl.Series(self._at, [], pl.UInt32)
        positions = pl.concat(parts, rechunk=True)
        parts.clear()
        return positions.sort(in_place=True)

    @property
    def numbers(self) -> list[int]:
        """Numbers of files or pieces with positions."""
        return list(self._parts)


def parts_by(rows: pl.DataFrame, column: str) -> Mapping[int, pl.DataFrame]:
    """Return rows by the number in a column."""
    numbers = rows[column]
    if not len(numbers):
        return {}
    if (first := numbers[0]) == numbers.min() == numbers.max():
        return {first: rows}
    parts = rows.partition_by(column, as_dict=True)
    return {number: part for (number,), part in parts.items()}
