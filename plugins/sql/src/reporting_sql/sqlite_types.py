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


def column_of(name: str, declared: str | None) -> Column:
    """Return a column.

    Args:
        name: Name of the column.
        declared: Its declared type; empty or `None` if there is none.
    """
    upper = (declared or "").upper()
    known = _decimal(upper) or next(
        (known for known in KNOWN if any(word in upper for word in known.words)),
        _TEXT,
    )
    fits = known.fits
    value = f"CASE WHEN {fits} THEN {known.value} END"
    # Numbers are before all texts, so that a number is no key among texts.
    text = isinstance(known.dtype, pl.String)
    return Column(
        name,
        declared or "no type",
        known.dtype,
        value,
        f"NOT ({fits})",
        "typeof({0}) <> 'text'" if text else "",
    )


def _decimal(declared: str) -> Known | None:
    """Return a decimal with declared precision, `None` for another type.

    SQLite has no decimals. A number is one if it differs from its rounding to the
    declared scale only as far as a float must.
    """
    match = _DECIMAL.search(declared)
    if match is None or int(match[1]) > MAX_DIGITS:
        return None
    precision, scale = int(match[1]), int(match[2] or 0)
    return Known(
        (),
        pl.Decimal(precision, scale),
        "typeof({0}) IN ('real', 'integer')"
        f" AND abs({{0}}) < 1e{precision - scale}"
        f" AND abs({{0}} - round({{0}}, {scale})) <= 1e-12 * max(1, abs({{0}}))",
        f"printf('%.{scale}f', {{0}})",
    )
