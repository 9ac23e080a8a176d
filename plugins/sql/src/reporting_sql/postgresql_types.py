"""Types of PostgreSQL, and how their values are read."""

from __future__ import annotations

from typing import NamedTuple

import polars as pl

from reporting_sql.columns import SAME, Column

MAX_PRECISION = 38
"""Largest precision of a decimal in frames."""


class Known(NamedTuple):
    """Type of PostgreSQL in frames.

    Attributes:
        dtype: Type in frames.
        cast: Type that the value is cast to in PostgreSQL; empty: none.
        unordered: See `Column`.
        fault: See `Column`.
    """

    dtype: pl.DataType
    cast: str = ""
    unordered: str = ""
    fault: str = ""


_TEXT = Known(pl.String(), "text")
_AS_TEXT = '{0}::text COLLATE "C"'
_ODD = "coalesce(array_ndims({0}) > 1 OR array_lower({0}, 1) <> 1, false)"
"""Condition that an array is no list."""

_NO_MOMENT = (
    "{0} NOT BETWEEN '0001-01-01 00:00:00+00' AND '9999-12-31 23:59:59.999999+00'"
)
"""Condition that a time is infinite, or of a year that no frame can hold."""

KNOWN = {
    "bool": Known(pl.Boolean()),
    "int2": Known(pl.Int16()),
    "int4": Known(pl.Int32()),
    "int8": Known(pl.Int64()),
    "oid": Known(pl.Int64(), "int8"),
    "float4": Known(pl.Float32()),
    "float8": Known(pl.Float64()),
    "text": Known(pl.String()),
    "varchar": Known(pl.String()),
    "bpchar": Known(pl.String()),
    "name": Known(pl.String(), "text"),
    "bytea": Known(pl.Binary()),
    "date": Known(pl.Date(), unordered=_NO_MOMENT),
    "time": Known(pl.Time(), fault="{0} = '24:00'"),
    "timestamp": Known(pl.Datetime("us"), unordered=_NO_MOMENT),
    "timestamptz": Known(pl.Datetime("us", "UTC"), unordered=_NO_MOMENT),
    **dict.fromkeys(
        (
            "bit",
            "char",
            "cidr",
            "inet",
            "interval",
            "json",
            "jsonb",
            "macaddr",
            "macaddr8",
            "timetz",
            "uuid",
            "varbit",
            "xml",
        ),
        _TEXT,
    ),
}
"""Types by their names in the catalogue; others become texts if `_known` says so."""


def column_of(
    name: str,
    declared: str,
    base: str,
    kind: str,
    category: str,
    modifier: int,
    element: str | None,
    element_kind: str | None,
    is_hidden: bool = False,
) -> Column:
    """Return a column; its `dtype` is `pl.Null` if its values cannot be kept.

    Args:
        name: Name of the column.
        declared: Type for messages.
        base: Name of the type; of a domain, of the type that it is based on.
        kind: ``typtype`` of that type.
        category: ``typcategory`` of that type.
        modifier: ``atttypmod``.
        element: Name of the type of an array's elements.
        element_kind: ``typtype`` of that type.
        is_hidden: Whether the type is in no schema of the search path. Operators of
            such a text are not found, and its values are compared as other texts.
    """
    if element is not None:
        return _array(name, declared, element, element_kind or "", modifier)
    if base == "numeric":
        return _numeric(name, declared, modifier)
    known = _known(base, kind, category)
    if known is None:
        return Column(name, declared, pl.Null())
    value = f"{{0}}::{known.cast}" if known.cast else "{0}"
    compared = _AS_TEXT if is_hidden and category == "S" else SAME
    return Column(
        name, declared, known.dtype, value, known.fault, known.unordered, compared
    )


def _known(base: str, kind: str, category: str) -> Known | None:
    if base in KNOWN:
        return KNOWN[base]
    # enumerations, ranges, multiranges and texts of an extension
    return _TEXT if kind in ("e", "r", "m") or category == "S" else None


def decimal_of(modifier: int) -> pl.Decimal | None:
    """Return the type of a number's ``atttypmod``; `None` if there is none."""
    if modifier < 0:
        return None
    precision, scale = (modifier - 4) >> 16, (modifier - 4) & 0x7FF
    if scale >= 1 << 10:  # eleven bits with a sign
        scale -= 1 << 11
    precision, scale = max(precision - min(scale, 0), scale), max(scale, 0)
    return pl.Decimal(precision, scale) if precision <= MAX_PRECISION else None


def _numeric(name: str, declared: str, modifier: int) -> Column:
    """Return a number: a decimal if precision and scale are declared, else a text.

    PostgreSQL sends it as a text, as this costs the client half of the time.
    """
    dtype = decimal_of(modifier)
    nan = "{0} = 'NaN'" if dtype is not None else ""
    return Column(name, declared, dtype or pl.String(), "{0}::text", unordered=nan)


def _array(name: str, declared: str, element: str, kind: str, modifier: int) -> Column:
    """Return an array as a list.

    An array of several dimensions, or whose first index is not 1, is a fault. It is not
    sent, as the driver fails on it.
    """
    known = _known(element, kind, "")
    if element == "numeric":
        known = Known(decimal_of(modifier) or pl.String(), "text")
    if known is None:
        return Column(name, declared, pl.Null())
    cast = f"::{known.cast}[]" if known.cast else ""
    value = f"CASE WHEN {_ODD} THEN NULL ELSE {{0}}{cast} END"
    fault = _ODD
    if known.fault:
        element = known.fault.format("e")
        found = f"SELECT 1 FROM unnest({{0}}) AS e WHERE {element}"  # noqa: S608
        fault = f"({_ODD} OR EXISTS ({found}))"
    return Column(name, declared, pl.List(known.dtype), value, fault)
