"""Types of columns that may become wider, and never lose a value."""

from __future__ import annotations

import polars as pl

from reporting_framework._text.messages import one_line
from reporting_framework.errors import SchemaChanged
from reporting_framework.plugin_api.result import SchemaChange

_EXACT_BITS: dict[type[pl.DataType], int] = {pl.Float32: 24, pl.Float64: 53}
"""Number of bits of the whole numbers that a float holds exactly."""

_UNITS = ("ms", "us")
"""Units of time, of which each holds all moments of the one before that have a date."""


def widened(report: str, known: pl.Schema, now: pl.Schema) -> pl.Schema:
    """Return the columns of a source, in types that hold the known values too.

    Raises:
        SchemaChanged: No such type exists for a column.
    """
    taken = {}
    for name, dtype in now.items():
        before = known.get(name, dtype)
        wider = common(before, dtype)
        if wider is None:
            change = SchemaChange(
                column=name, change="retyped", before=str(before), after=str(dtype)
            )
            raise SchemaChanged(
                f"report {report}: column {one_line(name, 80)} of the source is"
                f" {dtype}, not {before}; contract is evolve, and no type holds the"
                " values of both: cast it at the source, or write to another table",
                [change],
            )
        taken[name] = wider
    return pl.Schema(taken)


def common(one: pl.DataType, other: pl.DataType) -> pl.DataType | None:
    """Return the narrowest of a few types that holds all values of both."""
    integers = [pl.Int16(), pl.Int32(), pl.Int64(), pl.Int128()]
    candidates = [one, other, *(integers if one.is_integer() else ())]
    return next(
        (dtype for dtype in candidates if holds(dtype, one) and holds(dtype, other)),
        None,
    )


def holds(wide: pl.DataType, narrow: pl.DataType) -> bool:
    """Return whether each value of a type is a value of another type, unchanged."""
    if wide == narrow or isinstance(narrow, pl.Null):
        return True
    if narrow.is_integer():
        return _holds_integers(wide, narrow)
    if isinstance(wide, pl.Decimal) and isinstance(narrow, pl.Decimal):
        digits = (wide.precision or 38) - wide.scale
        before = (narrow.precision or 38) - narrow.scale
        return bool(wide.scale >= narrow.scale and digits >= before)
    if isinstance(wide, pl.Datetime) and isinstance(narrow, pl.Datetime):
        units = (narrow.time_unit, wide.time_unit)
        return bool(wide.time_zone == narrow.time_zone and units == _UNITS)
    if isinstance(wide, pl.Float64):
        return isinstance(narrow, pl.Float32)
    return isinstance(wide, pl.String) and isinstance(narrow, pl.Categorical | pl.Enum)


def _holds_integers(wide: pl.DataType, narrow: pl.DataType) -> bool:
    least, most = (_bound(narrow, upper=upper) for upper in (False, True))
    if wide.is_integer():
        return _bound(wide, upper=False) <= least and most <= _bound(wide, upper=True)
    if isinstance(wide, pl.Decimal):
        return bool(max(-least, most) < 10 ** ((wide.precision or 38) - wide.scale))
    bits = _EXACT_BITS.get(type(wide), 0)
    return bool(bits) and max(-least, most) <= 2**bits


def _bound(dtype: pl.DataType, *, upper: bool) -> int:
    """Return the greatest or least value of an integer type."""
    bound = dtype.max() if upper else dtype.min()  # type: ignore[attr-defined]
    return int(pl.select(bound).item())
