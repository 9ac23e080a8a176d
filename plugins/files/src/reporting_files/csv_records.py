"""Records of CSV text, and a fault for each record that cannot be read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import polars as pl
import polars.selectors as cs

from reporting_files import problems
from reporting_files.csv_dialect import CsvTable, end_of_record
from reporting_files.raw_frames import HIDDEN, RawFrame

MORE, FEWER = "too_many_values", "too_few_values"
_EXTRA = f"{HIDDEN}extra"


class CsvRecords:
    """Parser of CSV text without its header.

    Args:
        table: Names and separator.
        quote: Quote of values, `None`: there is none.
        nulls: Texts that mean null.
        types: Types of columns that polars may read as such; others are texts. If a
            value of a text is not of its type, all columns of that text are texts.
    """

    def __init__(
        self,
        table: CsvTable,
        quote: str | None,
        nulls: Sequence[str],
        types: Mapping[str, pl.DataType],
    ) -> None:
        self._separator, self._quote, self._nulls = table.separator, quote, list(nulls)
        self._names = [name or f"{HIDDEN}{at}" for at, name in enumerate(table.names)]
        self._texts = pl.Schema(dict.fromkeys([*self._names, _EXTRA], pl.String()))
        known = {name: types[name] for name in self._names if name in types}
        self._types = pl.Schema({**self._texts, **known})

    def parse(self, text: bytes) -> RawFrame:
        """Return the records of a text that ends with a record.

        A line without any value is no record.
        """
        frame = self._read(text, self._types)
        return self._parse_texts(text) if frame is None else self._raw(frame, text)

    def _parse_texts(self, text: bytes) -> RawFrame:
        frame = self._read(text, self._texts)
        return self._in_halves(text) if frame is None else self._raw(frame, text)

    def _raw(self, frame: pl.DataFrame, text: bytes) -> RawFrame:
        """Return the records without blank lines, and their faults."""
        valued = self._valued(frame)
        faults = self._faults(frame, text, valued)
        if valued is not None:
            frame = frame.filter(valued)
            faults = None if faults is None else faults.filter(valued)
        return RawFrame(frame, [frame.height], faults)

    def empty(self) -> RawFrame:
        """Return the columns without records."""
        return RawFrame(pl.DataFrame(schema=self._texts), [0])

    def _read(self, text: bytes, schema: pl.Schema) -> pl.DataFrame | None:
        """Return the records, `None` if polars cannot read some."""
        try:
            return pl.read_csv(
                text,
                has_header=False,
                schema=schema,
                separator=self._separator,
                quote_char=self._quote,
                null_values=self._nulls or None,
                truncate_ragged_lines=True,
                missing_columns="insert",
            )
        except pl.exceptions.PolarsError:
            return None

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

        A record with too few has a null in the last column. If there are nulls, the
        number of separators shows whether values are missing.
        """
        blank = 0 if valued is None else frame.height - valued.sum()
        more = frame[_EXTRA].null_count() < frame.height
        if not more and frame[self._names[-1]].null_count() == blank:
            return None
        each = len(self._names) - 1
        wanted = {frame.height * each, (frame.height - blank) * each}
        found = text.count(self._separator.encode())
        quoted = self._quote is not None and self._quote.encode() in text
        if quoted and found not in wanted:
            found -= self._separators_within(frame)
        if found in wanted and not more:
            return None
        counts = self._counts(text, quoted=quoted)
        if len(counts) != frame.height:  # a quote within a value: cannot be told
            return None
        fault = (
            pl.when(counts > each)
            .then(pl.lit(MORE))
            .when(counts < each)
            .then(pl.lit(FEWER))
        )
        return pl.select(fault).to_series()

    def _separators_within(self, frame: pl.DataFrame) -> int:
        """Return the number of separators within values."""
        texts = frame.select(cs.by_name(self._names) & cs.string())
        counts = texts.select(
            pl.all().str.count_matches(self._separator, literal=True).sum()
        )
        return sum(counts.row(0)) if counts.width else 0

    def _counts(self, text: bytes, *, quoted: bool) -> pl.Series:
        """Return the number of separators in each record."""
        if quoted:
            quote = re.escape((self._quote or "").encode())
            text = re.sub(quote + b"[^" + quote + b"]*" + quote, b"", text)
        lines = pl.Series(text.removesuffix(b"\n").split(b"\n")).cast(pl.String)
        return lines.str.count_matches(self._separator, literal=True)

    def _in_halves(self, text: bytes) -> RawFrame:
        """Return the records of a text in which polars cannot read some.

        Halves are read until only records are left that cannot be read.
        """
        middle = self._middle(text)
        if middle == len(text):
            unread = pl.DataFrame(schema=self._texts).clear(1)
            return RawFrame(unread, [1], pl.Series([problems.CSV]))
        parts = [self._parse_texts(half) for half in (text[:middle], text[middle:])]
        faults = [
            pl.repeat(None, part.frame.height, dtype=pl.String, eager=True)
            if part.faults is None
            else part.faults
            for part in parts
        ]
        frame = pl.concat([part.frame for part in parts])
        return RawFrame(frame, [frame.height], pl.concat(faults))

    def _middle(self, text: bytes) -> int:
        """Return the end of a record near the middle, or of the only record."""
        quote = (self._quote or "").encode()
        at = text.rfind(b"\n", 0, len(text) // 2) + 1
        if at and not (quote and text.count(quote, 0, at) % 2):
            return at
        end = end_of_record(text, at, quote, inside=bool(at))
        return end if end < len(text) else end_of_record(text, 0, quote)
