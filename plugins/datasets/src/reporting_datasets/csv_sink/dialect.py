"""Dialect of a CSV file: rows as text, and text as rows."""

from __future__ import annotations

import io
from typing import Any, NamedTuple

import polars as pl
import polars.selectors as cs

from reporting_datasets.settings import CsvSettings
from reporting_framework import SOURCE_KEY
from reporting_framework.errors import SettingsError

KEPT = (cs.numeric() | cs.boolean() | cs.string() | cs.enum() | cs.categorical()) | (
    cs.temporal() - cs.duration()
)
"""Columns that have a form as text which can be read again."""

BYTE_ORDER_MARK = b"\xef\xbb\xbf"

_FORMULA = "^[=+\\-@\t\r\n']"
"""Texts that get an apostrophe, with those that begin with one, so that each apostrophe
at the beginning is one that was added.
https://owasp.org/www-community/attacks/CSV_Injection
"""

_ISO = "iso:strict"


class Dialect(NamedTuple):
    """Dialect and columns of a file.

    Attributes:
        settings: Settings of the sink.
        schema: Columns of the file.
    """

    settings: CsvSettings
    schema: pl.Schema

    @classmethod
    def of(cls, settings: CsvSettings, schema: pl.Schema) -> Dialect:
        """Return the dialect of a report's file."""
        columns = {
            name: dtype
            for name, dtype in schema.items()
            if name != SOURCE_KEY or settings.source_key
        }
        return cls(settings, pl.Schema(columns))

    def check(self) -> None:
        """Refuse columns without a form as text.

        Raises:
            SettingsError: There is one.
        """
        if other := cs.expand_selector(self.schema, ~KEPT):
            raise SettingsError(
                f"sink csv: column {other[0]} is {self.schema[other[0]]}, which a CSV"
                " file cannot keep; leave it out or convert it with a transform"
            )
        if not self.schema:
            raise SettingsError(
                "sink csv: there is no column; set source_key to true",
                path=("source_key",),
            )

    @property
    def head(self) -> bytes:
        """Return the bytes that a file begins with: the mark and the header."""
        mark = BYTE_ORDER_MARK if self.settings.byte_order_mark else b""
        if not self.settings.header:
            return mark
        texts = pl.Schema(dict.fromkeys(self.schema, pl.String()))
        return mark + self._written(texts.to_frame(), header=True)

    def encode(self, rows: pl.DataFrame) -> bytes:
        """Return rows as text, without a header.

        Raises:
            SettingsError: A text would be read back as null, or as a byte-order mark.
        """
        frame = rows.select(
            self._text(name, dtype).alias(name) for name, dtype in self.schema.items()
        )
        if not self.head and self.settings.quoting == "necessary":
            self._refuse_marks(frame)
        if self._null_is_a_text:
            self._refuse_nulls(frame)
        return self._written(frame, header=False)

    @property
    def _null_is_a_text(self) -> bool:
        """True if null is written as the text is that it stands for."""
        return bool(self.settings.null) or self.settings.quoting == "always"

    def _refuse_nulls(self, frame: pl.DataFrame) -> None:
        texts = [name for name, dtype in self.schema.items() if _is_text(dtype)]
        null = self.settings.null
        for name in texts:
            if (frame[name].cast(pl.String) == null).any():
                kind = f"null is {null!r}" if null else "quoting is always"
                raise SettingsError(
                    f"sink csv: column {name} has a text that would be read as a"
                    f" missing value, as {kind}; set null to a text that no value has",
                    path=("null",),
                )

    def _refuse_marks(self, frame: pl.DataFrame) -> None:
        """Refuse texts that would be a mark if their row was the first of the file."""
        name, dtype = next(iter(self.schema.items()))
        mark = BYTE_ORDER_MARK.decode()
        if _is_text(dtype) and (
            frame[name].cast(pl.String).str.starts_with(mark).any()
        ):
            raise SettingsError(
                f"sink csv: column {name} has a text that begins with a byte-order"
                " mark, which would be read as that of the file; set header or"
                " byte_order_mark to true",
                path=("header",),
            )

    def _text(self, name: str, dtype: pl.DataType) -> pl.Expr:
        column = pl.col(name)
        if isinstance(dtype, pl.Datetime) and dtype.time_zone:
            return _moment_text(column)
        if isinstance(dtype, pl.Datetime | pl.Date | pl.Time):
            return column.dt.to_string(_ISO)
        if self.settings.guard_formulas and _is_text(dtype):
            text = column.cast(pl.String)
            guarded = pl.concat_str(pl.lit("'"), text)
            evaluated = text.str.contains(_FORMULA)
            return pl.when(evaluated).then(guarded).otherwise(text).alias(name)
        return column

    def _written(self, frame: pl.DataFrame, *, header: bool) -> bytes:
        settings, buffer = self.settings, io.BytesIO()
        frame.write_csv(
            buffer,
            include_header=header,
            separator=settings.separator,
            line_terminator=settings.line_end,
            quote_char=settings.quote,
            quote_style=settings.quoting,
            null_value=settings.null,
        )
        return buffer.getvalue()

    # -- reading -----------------------------------------------------------------------

    def scan(self, source: Any) -> pl.LazyFrame:
        """Return the rows of a file, each value as text."""
        settings = self.settings
        return pl.scan_csv(
            source,
            has_header=False,
            skip_rows=int(settings.header),  # its quotes would stay doubled
            separator=settings.separator,
            quote_char=settings.quote,
            null_values=settings.null or None,
            schema=dict.fromkeys(self.schema, pl.String()),
            glob=False,
        )

    def values(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """Return rows of texts in the types of the schema."""
        return rows.select(
            self.value(name, dtype) for name, dtype in self.schema.items()
        )

    def value(self, name: str, dtype: pl.DataType) -> pl.Expr:
        """Return the expression of the value of a text."""
        text = pl.col(name)
        if _is_text(dtype):
            if self.settings.guard_formulas:
                text = text.str.replace("^'", "")
            if not self.settings.null and self._null_is_a_text:
                text = pl.when(text != "").then(text)
            return text if dtype == pl.String else text.cast(dtype)
        text = pl.when(text != "").then(text)  # quoted, if all values are
        if isinstance(dtype, pl.Datetime):
            return _datetime(text, dtype)
        if isinstance(dtype, pl.Date):
            return text.str.to_date("%Y-%m-%d")
        if isinstance(dtype, pl.Time):
            return text.str.to_time("%H:%M:%S%.f").cast(dtype)
        if isinstance(dtype, pl.Boolean):
            return text == "true"
        return text.cast(dtype)


def _moment_text(moment: pl.Expr) -> pl.Expr:
    """Return the text of a moment with its offset; in UTC if that has seconds."""
    offset = moment.dt.base_utc_offset() + moment.dt.dst_offset()
    utc = moment.dt.convert_time_zone("UTC").dt.to_string(_ISO)
    text = moment.dt.to_string(_ISO)
    return pl.when(offset.dt.total_seconds() % 60 != 0).then(utc).otherwise(text)


def _datetime(text: pl.Expr, dtype: pl.Datetime) -> pl.Expr:
    unit = dtype.time_unit
    if dtype.time_zone is None:
        return text.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit=unit)
    moment = text.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%:z", time_unit=unit)
    return moment.dt.convert_time_zone(dtype.time_zone)


def _is_text(dtype: pl.DataType) -> bool:
    return isinstance(dtype, pl.String | pl.Enum | pl.Categorical)
