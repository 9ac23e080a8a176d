"""Records of CSV text, and a fault for each record that cannot be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl
import polars.selectors as cs

from reporting_files import problems
from reporting_files.csv_dialect import CsvTable, end_of_record
from reporting_files.csv_fields import CsvFields
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
        self._fields = CsvFields(table.separator, quote)
        self._each = len(table.names) - 1
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
        """Return the records without blank lines, and their faults.

        A record whose last value is not null has all values. If all have, the number of
        separators shows that none has more.
        """
        last = frame[self._names[-1]]
        more = frame[_EXTRA].null_count() < frame.height
        wrong = more or self._fields.may_have_wrong_quotes(text)
        found = self._separators(frame, text)
        if not wrong and not last.null_count() and found == frame.height * self._each:
            return RawFrame(frame, [frame.height])
        records = self._fields.records(text, frame.height)
        if len(records) != frame.height:
            return self._in_halves(text)
        doubtful = last.is_null()
        bare = self._fields.bare(records.filter(doubtful))
        counts = self._fields.separators(bare)
        rest = (frame.height - len(bare)) * self._each
        if wrong or counts.null_count() or found != rest + counts.sum():
            doubtful = pl.repeat(True, frame.height, dtype=pl.Boolean, eager=True)
            bare = self._fields.bare(records)
            counts = self._fields.separators(bare)
        blank = self._blank(frame, doubtful, bare, counts)
        if not blank.any() and (counts == self._each).all(ignore_nulls=False):
            return RawFrame(frame, [frame.height])
        at = doubtful.arg_true()
        every = pl.repeat(self._each, frame.height, dtype=pl.Int64, eager=True)
        kept = pl.repeat(True, frame.height, dtype=pl.Boolean, eager=True)
        kept = kept.scatter(at, ~blank)
        frame, counts = frame.filter(kept), every.scatter(at, counts).filter(kept)
        if (counts == self._each).all(ignore_nulls=False):
            return RawFrame(frame, [frame.height])
        return RawFrame(frame, [frame.height], self._faults(counts))

    def _blank(
        self,
        frame: pl.DataFrame,
        doubtful: pl.Series,
        bare: pl.Series,
        counts: pl.Series,
    ) -> pl.Series:
        """Return whether each doubtful line is no record, as it has no value."""
        if not all(frame[name].null_count() for name in self._names):
            return pl.repeat(False, len(bare), dtype=pl.Boolean, eager=True)
        nulls = frame.select(pl.all_horizontal(pl.all().is_null())).to_series()
        no_value = (counts <= self._each) | self._fields.hold_nothing(bare)
        return (nulls.filter(doubtful) & no_value).fill_null(value=False)

    def _faults(self, counts: pl.Series) -> pl.Series:
        """Return the fault of each record with these numbers of separators."""
        fault = (
            pl.when(counts > self._each)
            .then(pl.lit(MORE))
            .when(counts < self._each)
            .then(pl.lit(FEWER))
            .when(counts.is_null())
            .then(pl.lit(problems.CSV))
        )
        return pl.select(fault).to_series()

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

    def _separators(self, frame: pl.DataFrame, text: bytes) -> int:
        """Return the number of separators outside of values, or more."""
        found = text.count(self._separator.encode())
        if found == frame.height * self._each or not self._fields.has_quotes(text):
            return found
        texts = frame.select(cs.by_name(self._names) & cs.string())
        counts = texts.select(
            pl.all().str.count_matches(self._separator, literal=True).sum()
        )
        return found - sum(counts.row(0)) if counts.width else found

    def _in_halves(self, text: bytes) -> RawFrame:
        """Return the records of a text in which polars cannot read some.

        Halves are read until only records are left that cannot be read.
        """
        middle = self._middle(text)
        if middle == len(text):
            return self._unread(text)
        parts = [self._parse_texts(half) for half in (text[:middle], text[middle:])]
        faults = [
            pl.repeat(None, part.frame.height, dtype=pl.String, eager=True)
            if part.faults is None
            else part.faults
            for part in parts
        ]
        frame = pl.concat([part.frame for part in parts])
        return RawFrame(frame, [frame.height], pl.concat(faults))

    def _unread(self, text: bytes) -> RawFrame:
        """Return a record that polars cannot read."""
        bare = self._fields.bare(self._fields.records(text, 1))
        if self._fields.hold_nothing(bare).all(ignore_nulls=False):
            return self.empty()
        faults = self._faults(self._fields.separators(bare)).fill_null(problems.CSV)
        return RawFrame(pl.DataFrame(schema=self._texts).clear(1), [1], faults)

    def _middle(self, text: bytes) -> int:
        """Return the end of a record near the middle, or of the only record."""
        quote = (self._quote or "").encode()
        at = text.rfind(b"\n", 0, len(text) // 2) + 1
        if at and not (quote and text.count(quote, 0, at) % 2):
            return at
        end = end_of_record(text, at, quote, inside=bool(at))
        return end if end < len(text) else end_of_record(text, 0, quote)
