"""Types of columns, as settings name them."""

from __future__ import annotations

import re

import polars as pl

TYPES: dict[str, pl.DataType] = {
    "string": pl.String(),
    "int32": pl.Int32(),
    "int64": pl.Int64(),
    "float64": pl.Float64(),
    "boolean": pl.Boolean(),
    "date": pl.Date(),
    "datetime": pl.Datetime("us", "UTC"),
}
"""Types by name; ``decimal(PRECISION,SCALE)`` is another one."""

MAX_PRECISION = 38
_DECIMAL = re.compile(r"decimal\(([1-9][0-9]?), ?([0-9]+)\)")


def parse_type(name: str) -> pl.DataType:
    """Return the type that a name stands for.

    Raises:
        ValueError: The name is not one of `TYPES`, nor a decimal.
    """
    if name in TYPES:
        return TYPES[name]
    match = _DECIMAL.fullmatch(name)
    if match is None or not int(match[2]) <= int(match[1]) <= MAX_PRECISION:
        raise ValueError(
            f"must be one of {', '.join(TYPES)}, or decimal(PRECISION,SCALE) with at"
            f" most {MAX_PRECISION} digits"
        )
    return pl.Decimal(int(match[1]), int(match[2]))


def type_name(dtype: pl.DataType) -> str:
    """Return the name of a type as settings write it, or polars' name."""
    for name, known in TYPES.items():
        if dtype == known:
            return name
    if isinstance(dtype, pl.Decimal):
        return f"decimal({dtype.precision},{dtype.scale})"
    return str(dtype).lower()
