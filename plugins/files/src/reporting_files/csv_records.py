"""Records of CSV text, and a fault for each record that cannot be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import polars as pl
import polars.selectors as cs

from reporting_files import problems
from reporting_files.csv_dialect import CsvTable, end_of_record
from reporting_files.csv_fields import CsvFields
from reporting_files.csv_marks import CsvMarks
from reporting_files.raw_frames import HIDDEN, RawFrame
from reporting_files.text import last_end

MORE, FEWER = "too_many_values", "too_few_values"
_DIGITS = bytes.maketrans(b".123456789E", b"0000000000e")
_EXTRA = f"{HIDDEN}extra"


class CsvRecords:
    """Parser of CSV text without its header.

    Args:
        table: Names and separator.
        quote: Quote of values, `None`: there is none.
        nulls: Texts that mean null.
        types: Types of columns that polars may read as such; others are texts. If a
            value of a text is not of its type, all columns of that text are texts, as
            are decimals of a text in which one is 0 and may have a negative exponent.
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
        self._texts = pl.Schema(dict.fromkeys(self._names, pl.String()))
        known = {name: types[name] for name in self._names if name in types}
        self._types = pl.Schema({**self._texts, **known})
        self._decimals = [
            name for name, dtype in known.items() if isinstance(dtype, pl.Decimal)
        ]
        texts = dict.fromkeys(self._decimals, pl.String())
        self._without_decimals = pl.Schema({**self._types, **texts})

    def marks(self, text: bytes) -> CsvMarks:
        """Return the marks of a text, for `parse`."""
        return CsvMarks(text, self._separator, self._quote)

    def parse(self, text: bytes, marks: CsvMarks | None = None) -> RawFrame:
        """Return the records of a text that ends with a record.

        A line without any value is no record.

        Args:
            text: Records, in which a quote opens or closes a value.
            marks: Marks of the text, if they are known.
        """
        frame = self._read(text, self._types)
        if frame is not None and self._has_zero(frame) and _has_small(text):
            frame = self._read(text, self._without_decimals)
        if frame is None:
            return self._parse_texts(text)
        return self._raw(frame, text, marks)

    def _has_zero(self, frame: pl.DataFrame) -> bool:
        """Return whether a decimal is 0, as polars reads 1e-40."""
        return any((frame[name] == 0).any() for name in self._decimals)

    def _parse_texts(self, text: bytes) -> RawFrame:
        frame = self._read(text, self._texts)
        return self._in_halves(text) if frame is None else self._raw(frame, text)

    def _raw(
        self, frame: pl.DataFrame, text: bytes, marks: CsvMarks | None = None
    ) -> RawFrame:
        """Return the records without blank lines, and their faults.

        Quotes in other places than around values are read in one way by polars and in
        another one by others, so that values are counted in the text of each record.
        """
        more = _EXTRA in frame.columns
        marks = marks or self.marks(text)
        blank = self._all_null(frame)
        if not marks.are_well_quoted():
            records = self._fields.records(text, frame.height)
            counts = self._fields.separators(self._fields.bare(records))
        elif more or blank is not None or not self._have_all(frame, marks):
            counts = marks.separators()
        else:
            return _sound(frame)
        if len(counts) != frame.height:
            return self._in_halves(text)
        frame = frame.drop(_EXTRA, strict=False)
        if blank is not None:
            blank = self._blank(blank, text, counts)
            frame, counts = frame.filter(~blank), counts.filter(~blank)
        if (counts == self._each).all(ignore_nulls=False):
            return _sound(frame)
        return RawFrame(frame, [frame.height], self._faults(counts))

    def _have_all(self, frame: pl.DataFrame, marks: CsvMarks) -> bool:
        """Return whether no record has too few values, if none has too many.

        The last value of a record that has too few is null.
        """
        if not frame[self._names[-1]].null_count():
            return True
        found = marks.number_of_separators
        if marks.hide_any:
            if any(self._separator in null for null in self._nulls):
                return False  # it may be in a value that is null now
            found -= self._separators_within(frame)
        return found == frame.height * self._each

    def _separators_within(self, frame: pl.DataFrame) -> int:
        """Return the number of separators within values."""
        texts = frame.select(cs.by_name(self._names) & cs.string())
        mark = self._separator
        counts = texts.select(pl.all().str.count_matches(mark, literal=True).sum())
        return sum(counts.row(0)) if counts.width else 0

    def _all_null(self, frame: pl.DataFrame) -> pl.Series | None:
        """Return whether each record has only nulls; `None`: none has."""
        if not all(frame[name].null_count() for name in frame.columns):
            return None
        nulls = frame.select(pl.all_horizontal(pl.all().is_null())).to_series()
        return nulls if nulls.any() else None

    def _blank(self, nulls: pl.Series, text: bytes, counts: pl.Series) -> pl.Series:
        """Return whether each record (`nulls`: without values) is a blank line."""
        more = counts > self._each
        if (nulls & more).any():  # there may be a value behind the columns
            records = self._fields.records(text, len(nulls))
            more &= ~self._fields.hold_nothing(records)
        return (nulls & ~more).fill_null(value=False)

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
        """Return the records, `None` if polars cannot read some.

        If a record has more values than there are columns, a further column has the
        first of them.
        """
        try:
            return self._read_csv(text, schema, "raise")
        except pl.exceptions.PolarsError as error:
            if str(error).startswith("could not parse"):
                return None  # a value has another type
        try:
            extended = {**schema, _EXTRA: pl.String()}
            return self._read_csv(text, pl.Schema(extended), "ignore")
        except pl.exceptions.PolarsError:
            return None

    def _read_csv(
        self, text: bytes, schema: pl.Schema, extra: Literal["raise", "ignore"]
    ) -> pl.DataFrame:
        return pl.read_csv(
            text,
            has_header=False,
            schema=schema,
            separator=self._separator,
            quote_char=self._quote,
            null_values=self._nulls or None,
            extra_columns=extra,
            missing_columns="insert",
        )

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
        """Return the end of a record near the middle, or of the only record.

        After two cuts, no part is longer than half of the text.
        """
        quote = (self._quote or "").encode()
        half = text[: len(text) // 2]
        end, _ = last_end(half, quote, half.count(quote) if quote else 0)
        return end or end_of_record(text, 0, quote)


def _has_small(text: bytes) -> bool:
    """Return whether a text may hold a number with a negative exponent.

    `rfind` takes a third of the time of `find` here.
    """
    if text.rfind(b"e-") < 0 and text.rfind(b"E-") < 0:
        return False
    return text.translate(_DIGITS).rfind(b"0e-0") >= 0  # not so in article-7


def _sound(frame: pl.DataFrame) -> RawFrame:
    """Return records that all have their number of values."""
    return RawFrame(frame, [frame.height])
