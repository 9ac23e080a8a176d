"""Types of SQLite, and how their values are read.

SQLite allows any value in any column: a value that is not of its column's declared type
has a fault.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import polars as pl

from reporting_sql.columns import Column

_DECIMAL = re.compile(r"(?:DECIMAL|NUMERIC|DEC)\s*\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)")

MAX_DIGITS = 38
"""Largest precision of a decimal in frames."""


class Known(NamedTuple):
    """Type of SQLite in frames.

    Attributes:
        words: Words that the declared type contains.
        dtype: Type in frames.
        fits: Condition in SQL that a value is of this type.
        value: The value in SQL.
    """

    words: tuple[str, ...]
    dtype: pl.DataType
    fits: str
    value: str = "{0}"


NO_TYPE = "no type"
"""Declared type of a column that has none."""

# Texts are read as bytes, since any may be invalid.
_TEXT = Known(
    ("CHAR", "CLOB", "TEXT", "JSON", "DATE", "TIME", "UUID"),
    pl.String(),
    "typeof({0}) IN ('text', 'integer')",
    "CAST(CAST({0} AS TEXT) AS BLOB)",
)

KNOWN = (
    Known(("INT",), pl.Int64(), "typeof({0}) = 'integer'"),
    Known(("BOOL",), pl.Boolean(), "typeof({0}) = 'integer' AND {0} IN (0, 1)"),
    _TEXT,
    Known(("BLOB",), pl.Binary(), "typeof({0}) = 'blob'"),
    Known(
        ("REAL", "FLOA", "DOUB", "DEC", "NUM"),
        pl.Float64(),
        "typeof({0}) IN ('real', 'integer') AND CAST({0} AS REAL) = {0}",
        "CAST({0} AS REAL)",
    ),
)
"""Types in order of priority; a column of any other type holds texts."""


_UNTYPED = Known(
    (),
    pl.String(),
    "typeof({0}) IN ('text', 'integer', 'real')",
    _TEXT.value,
)
"""Any value but bytes; seventeen digits of a float tell it from all others."""


def column_of(name: str, declared: str | None) -> Column:
    """Return a column.

    Args:
        name: Name of the column.
        declared: Its declared type; empty or `None` if there is none.
    """
    upper = (declared or "").upper()
    if match := _DECIMAL.search(upper):
        precision, scale = int(match[1]), int(match[2] or 0)
        if precision <= MAX_DIGITS:
            return _decimal(name, upper, precision, scale)
    known = next(
        (known for known in KNOWN if any(word in upper for word in known.words)),
        _TEXT if upper else _UNTYPED,
    )
    return _column(name, declared or NO_TYPE, known)


def _column(name: str, declared: str, known: Known) -> Column:
    # Numbers are before all texts, so that a number is no key among texts.
    unordered = "typeof({0}) <> 'text'" if known.dtype == pl.String() else ""
    value = f"CASE WHEN {known.fits} THEN {known.value} END"
    return Column(name, declared, known.dtype, value, f"NOT ({known.fits})", unordered)


def _decimal(name: str, declared: str, precision: int, scale: int) -> Column:
    """Return a column of decimals.

    SQLite has no decimals, only integers and floats. A float is one if it differs from
    its rounding to the declared scale by no more than a few of its last bits: it has
    fifteen digits that count. Such a float is no key, as a literal would not find it.
    """
    text = f"printf('%!.{scale}f', {{0}})"
    limit = f"1e{precision - scale}"
    known = Known(
        (),
        pl.Decimal(precision, scale),
        f"typeof({{0}}) IN ('real', 'integer') AND {{0}} > -{limit} AND {{0}} < {limit}"
        " AND (typeof({0}) = 'integer'"
        f" OR abs(CAST({text} AS REAL) - {{0}}) <= 1e-15 * abs({{0}}))",
        f"CASE typeof({{0}}) WHEN 'integer' THEN CAST({{0}} AS TEXT) ELSE {text} END",
    )
    column = _column(name, declared, known)
    return column._replace(unordered=f"CAST({known.value} AS REAL) <> {{0}}")
