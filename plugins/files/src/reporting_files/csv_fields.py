"""Separators between the values of CSV records, exactly."""

from __future__ import annotations

import re

import polars as pl


class CsvFields:
    """Counting of separators.

    A value is quoted if it begins with a quote. Elsewhere quotes are text.

    Args:
        separator: Separator of values.
        quote: Quote of values, `None`: there is none.
    """

    def __init__(self, separator: str, quote: str | None) -> None:
        self._separator, self._quote = separator, quote
        if quote is None:
            return
        mark, end = re.escape(quote), re.escape(separator)
        inner = rf"[^{mark}]*(?:{mark}{mark}[^{mark}]*)*"
        self._quoted = rf"(^|{end}){mark}{inner}{mark}"
        self._wrong = rf"(?:^|{end}){mark}[^{end}]|\n"

    def has_quotes(self, text: bytes) -> bool:
        """Return whether a text has quotes."""
        return self._quote is not None and self._quote.encode() in text

    def records(self, text: bytes, count: int) -> pl.Series:
        """Return the records of a text, each without its line end.

        A record ends with the first line after which the number of quotes is even.

        Args:
            text: Records that end with a line.
            count: Number of records; the same number of lines are the records.
        """
        lines = pl.read_lines(text).to_series()
        if len(lines) == count or not self.has_quotes(text):
            return lines
        inside = (
            lines.str.count_matches(self._quote or "", literal=True) % 2
        ).cum_sum()
        ends = inside % 2 == 0
        if ends.all():
            return lines
        number = ends.cum_sum() - ends
        return (
            pl.DataFrame({"line": lines, "number": number})
            .group_by("number", maintain_order=True)
            .agg(pl.col("line").str.join("\n"))
            .get_column("line")
        )

    def bare(self, records: pl.Series) -> pl.Series:
        """Return records with a mere quote in place of each quoted value.

        A record with a value that goes on behind its end quote, or in a line after its
        own, is null.
        """
        mark = self._quote
        if mark is None or not records.str.contains(mark, literal=True).any():
            return records
        bare = records.str.replace_all(self._quoted, "${1}" + mark)
        right = ~bare.str.contains(self._wrong)
        return bare if right.all() else bare.set(~right, None)

    def separators(self, bare: pl.Series) -> pl.Series:
        """Return the number of separators in each bare record."""
        return bare.str.count_matches(self._separator, literal=True).cast(pl.Int64)

    def hold_nothing(self, bare: pl.Series) -> pl.Series:
        """Return whether there are only separators in each bare record."""
        return bare.str.strip_chars(self._separator) == ""
