"""Records of CSV text: all values as texts, and a fault for each record without."""

from __future__ import annotations

import re
from collections.abc import Sequence

import polars as pl

from reporting_files import problems
from reporting_files.csv_dialect import CsvTable
from reporting_files.raw_frames import HIDDEN, RawFrame

MORE, FEWER = "too_many_values", "too_few_values"
_EXTRA = f"{HIDDEN}extra"


class CsvRecords:
    """Parser of CSV text without its header.

    Args:
        table: Names and separator.
        quote: Quote of values, `None`: there is none.
        nulls: Texts that mean null.
    """

    def __init__(
        self, table: CsvTable, quote: str | None, nulls: Sequence[str]
    ) -> None:
        self._table, self._quote, self._nulls = table, quote, list(nulls)
        self._names = [name or f"{HIDDEN}{at}" for at, name in enumerate(table.names)]
        self._schema = dict.fromkeys([*self._names, _EXTRA], pl.String())
        self._separator = table.separator.encode()

    def parse(self, text: bytes) -> RawFrame:
        """Return the records of a text that ends with a record.

        A line without any value is no record.
        """
        try:
            frame = self._read(text)
        except pl.exceptions.PolarsError:
            return self._in_halves(text)
        valued = self._valued(frame)
        faults = self._faults(frame, text, valued)
        if valued is not None:
            frame = frame.filter(valued)
            faults = None if faults is None else faults.filter(valued)
        return RawFrame(frame, [frame.height], faults)

    def empty(self) -> RawFrame:
        """Return the columns without records."""
        return RawFrame(pl.DataFrame(schema=self._schema), [0])

    def _read(self, text: bytes) -> pl.DataFrame:
        return pl.read_csv(
            text,
            has_header=False,
            schema=self._schema,
            separator=self._table.separator,
            quote_char=self._quote,
            null_values=self._nulls or None,
            truncate_ragged_lines=True,
            missing_columns="insert",
        )

    def _valued(self, frame: pl.DataFrame) -> pl.Series | None:
        """Return whether each line has a value; `None`: all have."""
        if not all(frame[name].null_count() for name in self._names):
            return None
        values = pl.any_horizontal(pl.col(self._names).is_not_null())
        valued = frame.select(values).to_series()
        return None if valued.all() else valued

    def _faults(
        self, frame: pl.DataFrame, text: bytes, valued: pl.Series | None
    ) -> pl.Series | None:
        """Return the fault of each record with too many or too few values.

        The number of separators shows whether there is one.
        """
        each = len(self._names) - 1
        lines = {frame.height, frame.height if valued is None else valued.sum()}
        wanted = [number * each for number in lines]
        found = text.count(self._separator)
        quoted = self._quote is not None and self._quote.encode() in text
        if quoted and found not in wanted:
            found -= self._separators_within(frame)
        if found in wanted and frame[_EXTRA].null_count() == frame.height:
            return None
        counts = self._counts(text, quoted=quoted)
        if len(counts) != frame.height:  # a quote within a value: cannot be told
            return None
        more, fewer = pl.lit(MORE), pl.lit(FEWER)
        fault = pl.when(counts > each).then(more).when(counts < each).then(fewer)
        return pl.select(fault).to_series()

    def _separators_within(self, frame: pl.DataFrame) -> int:
        """Return the number of separators within values."""
        columns = pl.col(self._names).str.count_matches(
            self._table.separator, literal=True
        )
        return int(frame.select(pl.sum_horizontal(columns.sum())).item() or 0)

    def _counts(self, text: bytes, *, quoted: bool) -> pl.Series:
        """Return the number of separators in each record."""
        if quoted:
            quote = re.escape((self._quote or "").encode())
            text = re.sub(quote + b"[^" + quote + b"]*" + quote, b"", text)
        lines = pl.Series(text.removesuffix(b"\n").split(b"\n")).cast(pl.String)
        return lines.str.count_matches(self._table.separator, literal=True)

    def _in_halves(self, text: bytes) -> RawFrame:
        """Return the records of a text in which polars cannot read some.

        Halves are read until only records are left that cannot be read.
        """
        middle = self._middle(text)
        if middle in (0, len(text)):
            empty = pl.DataFrame(schema=self._schema).clear(1)
            fault = pl.Series([problems.CSV], dtype=pl.String)
            return RawFrame(empty, [1], fault)
        parts = [self.parse(text[:middle]), self.parse(text[middle:])]
        faults = [
            part.faults
            if part.faults is not None
            else pl.Series([None] * part.frame.height, dtype=pl.String)
            for part in parts
        ]
        frame = pl.concat([part.frame for part in parts])
        return RawFrame(frame, [frame.height], pl.concat(faults))

    def _middle(self, text: bytes) -> int:
        """Return the position of a record near the middle; 0 if there is none."""
        quote = (self._quote or "").encode()
        quotes = 0
        at, half = 0, len(text) // 2
        begin = text.rfind(b"\n", 0, half) + 1
        for start in (begin, 0):
            quotes = text.count(quote, 0, start) if quote else 0
            at = start
            if quotes % 2 == 0 and at:
                return at
        while at < len(text):
            end = text.find(b"\n", at) + 1
            if not end:
                return 0
            quotes += text.count(quote, at, end) if quote else 0
            at = end
            if quotes % 2 == 0:
                return at
        return 0
