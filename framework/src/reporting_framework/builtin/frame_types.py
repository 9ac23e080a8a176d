"""Types of columns by name, and bounds of their values."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation

import polars as pl

from reporting_framework.builtin.bounds import Bound
from reporting_framework.builtin.calendar_bounds import within_calendar
from reporting_framework.builtin.decimal_floats import MAX_PRECISION, rounded
from reporting_framework.builtin.decimal_texts import exact
from reporting_framework.plugin_api.table_cursor import moments_of

TYPES: dict[str, pl.DataType] = {
    "string": pl.String(),
    "int32": pl.Int32(),
    "int64": pl.Int64(),
    "float64": pl.Float64(),
    "boolean": pl.Boolean(),
    "date": pl.Date(),
    "datetime": pl.Datetime("us", "UTC"),
}

_DECIMAL = re.compile(r"decimal\(([1-9][0-9]?), ?([0-9]+)\)")


def dtype_of(name: str) -> pl.DataType:
    """Return the type of this name.

    Raises:
        ValueError: There is no such type.
    """
    if name in TYPES:
        return TYPES[name]
    match = _DECIMAL.fullmatch(name)
    if match is None or not int(match[2]) <= int(match[1]) <= MAX_PRECISION:
        raise ValueError(
            f"must be one of {', '.join(TYPES)}, or decimal(PRECISION,SCALE) with"
            f" at most {MAX_PRECISION} digits"
        )
    return pl.Decimal(int(match[1]), int(match[2]))


def has_bounds(dtype: pl.DataType) -> bool:
    """Return whether values of a type can have bounds."""
    return dtype.is_numeric() or isinstance(dtype, pl.Date | pl.Datetime)


def bound_of(bound: Bound, dtype: pl.DataType) -> pl.Expr:
    """Return a bound as an expression to compare with columns of a type.

    Raises:
        ValueError: The bound is not of that type.
    """
    if isinstance(dtype, pl.Date):
        return pl.lit(date.fromisoformat(str(bound)))
    if isinstance(dtype, pl.Datetime):
        return _moment(str(bound), dtype.time_zone)
    if isinstance(dtype, pl.Decimal):
        return pl.lit(_decimal(bound))
    if isinstance(bound, str):
        raise ValueError(f"a bound of type {dtype} is a number")
    if isinstance(bound, int):
        _decimal(bound)
    return pl.lit(bound)


def _moment(text: str, zone: str | None) -> pl.Expr:
    moment = datetime.fromisoformat(text)
    if zone is None:
        if moment.tzinfo is not None:
            raise ValueError("a column without a time zone needs a time without offset")
        return pl.lit(moment)
    if moment.tzinfo is None:
        raise ValueError("a time needs an offset, such as 2024-01-01T00:00Z")
    return pl.lit(moment.astimezone(UTC)).dt.convert_time_zone(zone)


def _decimal(bound: Bound) -> Decimal:
    """Return a bound as a decimal number: 0.1 is a tenth, not the nearest binary."""
    try:
        number = Decimal(str(bound))
    except InvalidOperation:
        raise ValueError("a bound of a decimal is a number") from None
    if not number.is_finite():
        raise ValueError("a bound of a decimal is a number")
    places = max(0, -int(number.as_tuple().exponent))
    if places + max(0, number.adjusted() + 1) > MAX_PRECISION:
        raise ValueError(f"a bound has at most {MAX_PRECISION} digits, zeros included")
    return number


def typed(column: pl.Series, dtype: pl.DataType) -> pl.Series:
    """Return a column in a type; values of other types become null.

    Returns the same object if no value changes.
    """
    if column.dtype == dtype:
        return within_calendar(column)
    if not is_castable(column.dtype, dtype):
        return pl.repeat(None, len(column), dtype=dtype, eager=True).alias(column.name)
    return within_calendar(_cast(column, dtype))


def is_castable(actual: pl.DataType, wanted: pl.DataType) -> bool:
    """Return whether values of one type may be values of the other."""
    if actual == wanted or isinstance(actual, pl.Null):
        return True
    if isinstance(wanted, pl.Decimal) and isinstance(actual, pl.String):
        return True
    if wanted.is_numeric():
        return actual.is_numeric()
    if isinstance(wanted, pl.Datetime):
        return (
            isinstance(actual, pl.Datetime) and actual.time_zone is not None
        ) or isinstance(actual, pl.String)
    if isinstance(wanted, pl.Date):
        return isinstance(actual, pl.String)
    return isinstance(wanted, pl.String) and isinstance(
        actual, pl.Categorical | pl.Enum
    )


def _cast(column: pl.Series, dtype: pl.DataType) -> pl.Series:
    """Return the column in another type; values that would change become null."""
    if isinstance(column.dtype, pl.String) and isinstance(dtype, pl.Datetime):
        return moments_of(column).dt.replace_time_zone("UTC").alias(column.name)
    if isinstance(column.dtype, pl.String) and isinstance(dtype, pl.Date):
        return column.str.to_date("%Y-%m-%d", strict=False)
    if isinstance(column.dtype, pl.String) and isinstance(dtype, pl.Decimal):
        return exact(column, dtype)
    if column.dtype.is_float() and isinstance(dtype, pl.Decimal):
        cast = pl.select(rounded(pl.lit(column), dtype)).to_series()
    else:
        cast = column.cast(dtype, strict=False)
    if not dtype.is_numeric() and not isinstance(dtype, pl.Datetime):
        return cast
    kept = cast.cast(column.dtype, strict=False).eq_missing(column)
    return pl.select(pl.when(kept).then(cast)).to_series().alias(column.name)
