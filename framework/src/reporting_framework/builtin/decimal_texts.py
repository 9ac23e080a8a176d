"""Texts as decimals, without rounding."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

import polars as pl

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)[eE][+-]?[0-9]+")
_MOST_DIGITS = 100
"""Number of digits that a number with an exponent may have when it is written out."""


def exact(column: pl.Series, dtype: pl.Decimal) -> pl.Series:
    """Return texts as decimals; a text that is none, or has more digits, becomes null.

    Zeros at the end of a fraction may be more.
    """
    exponents = column.str.contains("[eE]").fill_null(value=False).arg_true()
    if len(exponents):
        plain = [_written_out(text) for text in column.gather(exponents)]
        column = column.clone().scatter(exponents, pl.Series(plain, dtype=pl.String))
    rounded = column.str.contains(rf"\.\d{{{dtype.scale}}}\d*[1-9]")
    cast = column.cast(dtype, strict=False)
    return cast.zip_with(~rounded.fill_null(value=False), cast.clear(len(cast)))


def _written_out(text: str) -> str | None:
    """Return a number without its exponent, `None` if it is none, or a long one."""
    if _NUMBER.fullmatch(text) is None:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:  # the exponent has too many digits
        return None
    if not number:
        return "0"
    return None if abs(number.adjusted()) > _MOST_DIGITS else f"{number:f}"
