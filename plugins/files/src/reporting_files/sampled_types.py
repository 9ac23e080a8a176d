"""Types of the columns of a sample."""

from __future__ import annotations

import polars as pl

EXACT_DIGITS, EXACT_WHOLE = 17, 15
"""Most digits of a number, and before its point, that float64 keeps."""

_INTEGER = r"^-?(?:0|[1-9][0-9]*)$"
_NUMBER = r"^-?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$"
_CODE, _FRACTION = r"^[0-9]+[eE][0-9]+$", "."
"""Text such as 1E10, which is a number only beside a fraction."""

_WORD = r"^(?:true|false|True|False|TRUE|FALSE)$"


def inferred(column: pl.Series) -> pl.DataType:
    """Return the type of a sample; texts may be numbers or booleans.

    A number with leading zeros stays a text, and so does one with more digits than the
    type of numbers keeps.
    """
    dtype = column.dtype
    if isinstance(dtype, pl.Categorical | pl.Enum):
        return pl.String()
    if isinstance(dtype, pl.Datetime):
        return pl.Datetime("us", "UTC" if dtype.time_zone else None)
    if not isinstance(dtype, pl.String):
        return dtype
    values = column.filter(column != "")
    if not len(values):
        return pl.Null()
    if values.str.contains(_INTEGER).all():
        fits = values.cast(pl.Int64, strict=False).null_count() == 0
        return pl.Int64() if fits else pl.String()
    if values.str.contains(_NUMBER).all():
        fractions = values.str.contains(_FRACTION, literal=True).any()
        codes = not fractions and values.str.contains(_CODE).any()
        return pl.String() if codes or _has_long(values) else pl.Float64()
    return pl.Boolean() if values.str.contains(_WORD).all() else pl.String()


def common(one: pl.DataType, other: pl.DataType) -> pl.DataType:
    """Return a type for the values of both types."""
    if isinstance(one, pl.Null) or one == other:
        return other
    if isinstance(other, pl.Null):
        return one
    if one.is_integer() and other.is_integer():
        return pl.Int64()
    if one.is_numeric() and other.is_numeric():
        return pl.Float64()
    return pl.String()


def _has_long(numbers: pl.Series) -> bool:
    """Return whether a number has more digits than float64 keeps."""
    digits = numbers.str.replace("[eE].*$", "").str.strip_prefix("-")
    known = digits.str.replace(".", "", literal=True).str.strip_chars_start("0")
    whole = digits.str.replace(r"\..*$", "")
    long = (known.str.len_bytes() > EXACT_DIGITS) | (
        whole.str.len_bytes() > EXACT_WHOLE
    )
    return bool(long.any())
