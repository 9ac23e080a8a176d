"""Values of columns in their declared types, as expressions.

A value that would change, or is no value of the type, becomes null.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import polars as pl
from polars.datatypes import DataTypeClass

from reporting_framework.builtin.decimal_floats import MAX_PRECISION, rounded
from reporting_framework.builtin.decimal_texts import exact
from reporting_framework.plugin_api.table_cursor import moments_of

TRUE, FALSE = ("true", "1", "yes"), ("false", "0", "no")
"""Texts of booleans, in lower case."""

ISO_DATE = "%Y-%m-%d"

_INTEGER = "^[+-]?[0-9]+$"

_NANOSECONDS = r"[.,][0-9]{6}[0-9]*[1-9](?:[^0-9]|$)"
"""Part of the text of a time that has digits behind its microseconds."""

_FRACTION = re.compile(r"%\.?[369]?f")
"""Fraction of a second in the format of a time."""

SPARE_DIGITS = 6
"""Minimum number of digits behind those of a decimal's scale that are read, to find
values with more.
"""

NOISE, NOISE_DIGITS = 8e-16, 14
"""Share of a float that may be noise, less than a 15th digit; and most digits of a
decimal that noise is looked for in.
"""


def read_types(schema: Mapping[str, pl.DataType]) -> dict[str, pl.DataType]:
    """Return the types of columns that CSV values may be read as without loss.

    Decimals have spare digits, as polars rounds.
    """
    types: dict[str, pl.DataType] = {}
    for name, dtype in schema.items():
        if isinstance(dtype, pl.Decimal):
            whole = dtype.precision - dtype.scale
            if dtype.precision + SPARE_DIGITS <= MAX_PRECISION:
                types[name] = pl.Decimal(MAX_PRECISION, MAX_PRECISION - whole)
        elif dtype.is_numeric():
            types[name] = dtype
    return types


class Casts:
    """Conversion of columns to declared types.

    Args:
        formats: Formats of dates and times by column.
        decimal_comma: Whether numbers in texts have a comma before their decimals.
    """

    def __init__(self, formats: Mapping[str, str], *, decimal_comma: bool) -> None:
        self._formats, self._decimal_comma = formats, decimal_comma

    def cast(
        self,
        name: str,
        actual: pl.DataType,
        wanted: pl.DataType,
        *,
        strip: bool = False,
        dots: bool = True,
    ) -> pl.Expr:
        """Return the column in another type.

        Args:
            name: Name of the column.
            actual: Its type.
            wanted: The other type.
            strip: Whether to ignore blanks around texts that are no texts in the other
                type.
            dots: Whether a dot may precede decimals even if a comma does, as in numbers
                of JSON that are held as texts.
        """
        column = pl.col(name)
        if actual == wanted:
            return column
        if isinstance(actual, pl.Null):
            return column.cast(wanted)
        if isinstance(actual, pl.String | pl.Categorical | pl.Enum):
            text = column.cast(pl.String)
            if isinstance(wanted, pl.String):
                return text
            text = text.str.strip_chars() if strip else text
            return self._from_text(name, text, wanted, dots=dots)
        return _from_value(column, actual, wanted)

    def _from_text(
        self, name: str, text: pl.Expr, wanted: pl.DataType, *, dots: bool
    ) -> pl.Expr:
        if isinstance(wanted, pl.Boolean):
            words = dict.fromkeys(TRUE, True) | dict.fromkeys(FALSE, False)
            return text.str.to_lowercase().replace_strict(
                words, default=None, return_dtype=pl.Boolean
            )
        if isinstance(wanted, pl.Date):
            return text.str.to_date(self._formats.get(name, ISO_DATE), strict=False)
        if isinstance(wanted, pl.Datetime):
            moment = self._moment_of_text(name, text)
            if name not in self._formats or _FRACTION.search(self._formats[name]):
                moment = pl.when(~text.str.contains(_NANOSECONDS)).then(moment)
            return _moment(moment, pl.Datetime("us", "UTC"), wanted)
        if not wanted.is_numeric():
            return _nothing(wanted)
        if self._decimal_comma:
            if not dots:  # 1.234 may be 1234
                text = pl.when(~text.str.contains(".", literal=True)).then(text)
            text = text.str.replace(",", ".", literal=True)
        if isinstance(wanted, pl.Decimal):
            return _decimal(text, wanted)
        number = text.cast(wanted, strict=False)
        if wanted.is_float() and dots:  # as an integer that is no text
            same = number.cast(pl.Int128, strict=False) == text.cast(
                pl.Int128, strict=False
            )
            number = pl.when(same | ~text.str.contains(_INTEGER)).then(number)
        return number

    def _moment_of_text(self, name: str, text: pl.Expr) -> pl.Expr:
        if name not in self._formats:
            return text.map_batches(
                lambda column: moments_of(column).dt.replace_time_zone("UTC"),
                return_dtype=pl.Datetime("us", "UTC"),
                is_elementwise=True,
            )
        form = self._formats[name]
        if "%z" in form:
            return text.str.to_datetime(
                form, time_unit="us", strict=False
            ).dt.convert_time_zone("UTC")
        return text.str.to_datetime(
            form, time_unit="us", strict=False
        ).dt.replace_time_zone("UTC")


def _from_value(column: pl.Expr, actual: pl.DataType, wanted: pl.DataType) -> pl.Expr:
    """Return a column that is not of texts in another type."""
    if isinstance(wanted, pl.String):
        return _as_text(column, actual)
    if wanted.is_numeric() and actual.is_numeric():
        return _number(column, actual, wanted)
    if isinstance(wanted, pl.Datetime) and isinstance(actual, pl.Datetime | pl.Date):
        return _moment(column, actual, wanted)
    if isinstance(wanted, pl.Date) and isinstance(actual, pl.Datetime):
        day = column.dt.date()
        moment = column.dt.replace_time_zone(None)
        return pl.when(day.cast(pl.Datetime(actual.time_unit)) == moment).then(day)
    if wanted.is_nested() and actual.is_nested():
        kept = _keeps(column, actual, wanted)
        if kept is None:
            return _nothing(wanted)
        return pl.when(kept).then(column).cast(wanted, strict=False)
    return _nothing(wanted)


def _nothing(dtype: pl.DataType) -> pl.Expr:
    """Return a null for each row, also if no other column says their number."""
    return pl.repeat(None, pl.len(), dtype=dtype)


def _keeps(column: pl.Expr, actual: pl.DataType, wanted: pl.DataType) -> pl.Expr | None:
    """Return whether a cast keeps all values, also those in lists and objects.

    Returns `None` if there is no such cast.
    """
    if actual == wanted or isinstance(actual, pl.Null):
        return pl.lit(value=True)
    if isinstance(actual, pl.Struct) and isinstance(wanted, pl.Struct):
        types = {field.name: _opened(field.dtype) for field in wanted.fields}
        kept = [
            _keeps(part, _opened(field.dtype), types[field.name])
            if field.name in types
            else part.is_null()  # it would be left out
            for field in actual.fields
            for part in [column.struct.field(field.name)]
        ]
        found = [each for each in kept if each is not None]
        return pl.all_horizontal(True, *found) if len(found) == len(kept) else None
    if isinstance(actual, pl.List) and isinstance(wanted, pl.List):
        inner = _keeps(pl.element(), _opened(actual.inner), _opened(wanted.inner))
        if inner is None:
            return None
        return column.list.eval(inner).list.all().fill_null(value=True)
    if actual.is_nested() or wanted.is_nested() or not _has_cast(actual, wanted):
        return None
    if actual.is_numeric() and wanted.is_numeric():
        cast = _number(column, actual, wanted)
        if actual.is_float() and isinstance(wanted, pl.Decimal):  # the cast is polars'
            cast = pl.when(rounded(column, wanted) == cast).then(cast)
    elif isinstance(actual, pl.Datetime) and isinstance(wanted, pl.Datetime):
        cast = _moment(column, actual, wanted)
    elif isinstance(actual, pl.String) and isinstance(wanted, pl.Decimal):
        cast = _decimal(column, wanted)
    else:
        cast = column.cast(wanted, strict=False)
    return column.is_null() | cast.is_not_null()


def _has_cast(actual: pl.DataType, wanted: pl.DataType) -> bool:
    """Return whether values of a type may be kept as another; other casts may raise."""
    if isinstance(wanted, pl.String):
        return not isinstance(actual, pl.Binary | pl.Duration)
    if isinstance(wanted, pl.Datetime):
        return isinstance(actual, pl.Datetime | pl.Date)
    return wanted.is_numeric() and (
        actual.is_numeric() or isinstance(actual, pl.String)
    )


def _opened(dtype: pl.DataType | DataTypeClass) -> pl.DataType:
    return dtype if isinstance(dtype, pl.DataType) else dtype()


def _decimal(text: pl.Expr, wanted: pl.Decimal) -> pl.Expr:
    """Return texts as decimals; null where digits would be lost."""
    return text.map_batches(
        lambda column: exact(column, wanted), return_dtype=wanted, is_elementwise=True
    )


def _number(column: pl.Expr, actual: pl.DataType, wanted: pl.DataType) -> pl.Expr:
    if actual.is_float() and isinstance(wanted, pl.Decimal):  # 1.1 has no exact float
        cast = rounded(column, wanted)
        kept = (cast.cast(actual) - column).abs() <= column.abs() * NOISE
        long = column.cast(pl.Float64).abs() >= 10.0 ** (NOISE_DIGITS - wanted.scale)
        text = pl.when(long).then(column).cast(pl.String)  # the shortest of each float
        return pl.when(long).then(_decimal(text, wanted)).when(kept).then(cast)
    cast = column.cast(wanted, strict=False)
    if actual.is_float() and wanted.is_float():
        return cast
    return pl.when(cast.cast(actual, strict=False).eq_missing(column)).then(cast)


def _moment(column: pl.Expr, actual: pl.DataType, wanted: pl.Datetime) -> pl.Expr:
    if isinstance(actual, pl.Datetime) and actual.time_zone:
        moment = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    else:
        moment = column
    given = moment
    moment = moment.cast(pl.Datetime(wanted.time_unit), strict=False)
    if isinstance(actual, pl.Datetime) and actual.time_unit != wanted.time_unit:
        moment = pl.when(moment.cast(pl.Datetime(actual.time_unit)) == given).then(
            moment
        )
    return moment.dt.replace_time_zone("UTC") if wanted.time_zone else moment


def _as_text(column: pl.Expr, actual: pl.DataType) -> pl.Expr:
    """Return values as texts; whole numbers of floats without a point."""
    if actual.is_temporal():
        return column.dt.to_string("iso:strict")
    if actual.is_float():
        whole = column.cast(pl.Int64, strict=False)
        same = whole.cast(pl.Float64) == column
        return (
            pl.when(same).then(whole.cast(pl.String)).otherwise(column.cast(pl.String))
        )
    if actual.is_nested() or isinstance(actual, pl.Binary):
        return pl.lit(None, pl.String)
    return column.cast(pl.String, strict=False)
