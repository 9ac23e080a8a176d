"""Separators, line ends and quotes of a CSV text, as columns of its bytes."""

from __future__ import annotations

from functools import cached_property, lru_cache

import polars as pl


class CsvMarks:
    """Places of the marks of a text, one row for each byte.

    Args:
        text: Records that end with a line.
        separator: Separator of values.
        quote: Quote of values, `None`: there is none.
    """

    def __init__(self, text: bytes, separator: str, quote: str | None) -> None:
        self._text, self._separator, self._quote = text, separator, quote

    @cached_property
    def _bytes(self) -> pl.Series:
        whole = pl.Series([self._text], dtype=pl.Binary)
        return whole.cast(pl.List(pl.UInt8)).explode(empty_as_null=False)

    @cached_property
    def _separators(self) -> pl.Series:
        return self._bytes == ord(self._separator)

    @cached_property
    def _ends(self) -> pl.Series:
        return self._bytes == ord("\n")

    @cached_property
    def _quotes(self) -> pl.Series | None:
        if self._quote is None or self._quote.encode() not in self._text:
            return None
        return self._bytes == ord(self._quote)

    @cached_property
    def _line_ends(self) -> pl.Series:
        """Beginnings of line ends."""
        if b"\r" not in self._text:
            return self._ends
        returns = self._bytes == ord("\r")
        return self._ends | (returns & self._ends.shift(-1, fill_value=False))

    def are_well_quoted(self) -> bool:
        """Return whether quotes are only around whole values, or doubled within them.

        Then each way to read CSV finds the same values.
        """
        quotes = self._quotes
        if quotes is None:
            return True
        marks = self._separators | quotes
        before = (marks | self._ends).shift(1, fill_value=True).filter(quotes)
        behind = (marks | self._line_ends).shift(-1, fill_value=True).filter(quotes)
        return (
            len(before) % 2 == 0
            and _every_second(before)
            and _every_second(behind.shift(-1, fill_value=True))
        )

    @cached_property
    def hide_any(self) -> bool:
        """True if a quoted value has a separator or a line end."""
        if self._quotes is None:
            return False
        quotes = self._quotes.filter(self._separators | self._ends | self._quotes)
        following = quotes.shift(-1, fill_value=False).filter(quotes)
        return not _every_second(following)

    @property
    def number_of_separators(self) -> int:
        """Number of separators, those within values included."""
        return int(self._separators.sum())

    def separators(self) -> pl.Series:
        """Return the number of separators between values in each record."""
        marks = self._separators | self._ends
        ends = self._ends.filter(marks)
        if self.hide_any and self._quotes is not None:
            quotes = self._quotes.filter(marks | self._quotes)
            outside = (quotes.cum_sum() % 2 == 0).filter(~quotes)
            ends = ends.filter(outside)
        at = ends.arg_true().cast(pl.Int64)
        return at - at.shift(1, fill_value=-1) - 1


def _every_second(values: pl.Series) -> bool:
    """Return whether the first value and each second one after it are true."""
    return bool((values | _alternating(len(values))).all())


@lru_cache(maxsize=1)
def _alternation(size: int) -> pl.Series:
    return pl.select(pl.int_range(size, dtype=pl.UInt32) % 2 == 1).to_series()


def _alternating(size: int) -> pl.Series:
    """Return so many times false and true in turn."""
    return _alternation(1 << (size - 1).bit_length()).head(size)
