"""Types of PostgreSQL for the types of frames."""

from __future__ import annotations

import re
from typing import Any

import polars as pl

from reporting_sql.dialects.json_values import is_json

_TYPES: dict[Any, str] = {
    pl.Boolean: "boolean",
    pl.Int8: "smallint",
    pl.Int16: "smallint",
    pl.Int32: "integer",
    pl.Int64: "bigint",
    pl.UInt8: "smallint",
    pl.UInt16: "integer",
    pl.UInt32: "bigint",
    pl.UInt64: "numeric(20,0)",
    pl.Float32: "real",
    pl.Float64: "double precision",
    pl.String: "text",
    pl.Categorical: "text",
    pl.Enum: "text",
    pl.Binary: "bytea",
    pl.Date: "date",
    pl.Time: "time",
    pl.Duration: "bigint",
}

_INTEGERS = {"smallint", "integer", "bigint", "numeric"}

_TEXTS = ("uuid", "jsonb", "inet", "cidr", "macaddr", "text", "character varying")
"""Types of columns that take a text, and that can be compared."""

_PRECISION = re.compile(r"\((\d+)(?:,(\d+))?\)")


def sql_type(dtype: pl.DataType) -> str | None:
    """Return the type of a column, `None` if PostgreSQL cannot keep such values."""
    if isinstance(dtype, pl.Datetime):
        zone = "with" if dtype.time_zone else "without"
        return f"timestamp {zone} time zone"
    if isinstance(dtype, pl.Decimal):
        return f"numeric({dtype.precision},{dtype.scale})"
    if isinstance(dtype, pl.List) and is_array(dtype):
        return f"{sql_type(_instance(dtype.inner))}[]"
    if is_json(dtype):
        return "jsonb"
    return _TYPES.get(dtype.base_type())


def staged_type(dtype: pl.DataType) -> str | None:
    """Return the type of a staged column if it differs: COPY converts no value."""
    if is_json_type(dtype):
        return "text"
    return None


def arrow_type(dtype: pl.DataType) -> pl.DataType | None:
    """Return the type to convert values to for COPY, `None` for their own."""
    if isinstance(dtype, pl.Categorical | pl.Enum):
        return pl.String()
    if dtype == pl.UInt64:
        return pl.Decimal(20, 0)
    if isinstance(dtype, pl.Duration):
        return pl.Int64()
    if isinstance(dtype, pl.Datetime) and dtype.time_unit != "us":
        return pl.Datetime("us", dtype.time_zone)
    return None


def _instance(dtype: Any) -> pl.DataType:
    return dtype if isinstance(dtype, pl.DataType) else dtype()


def is_array(dtype: pl.DataType) -> bool:
    """Return whether a column of PostgreSQL is an array."""
    if not isinstance(dtype, pl.List):
        return False
    inner = _instance(dtype.inner)
    if isinstance(inner, pl.Datetime):
        return inner.time_unit == "us"
    return inner in _ELEMENTS


_ELEMENTS = (
    pl.Boolean,
    pl.Int16,
    pl.Int32,
    pl.Int64,
    pl.Float32,
    pl.Float64,
    pl.String,
    pl.Date,
)


def is_json_type(dtype: pl.DataType) -> bool:
    """Return whether a column of PostgreSQL is JSON."""
    return is_json(dtype) and not is_array(dtype)


def read_as_text(dtype: pl.DataType) -> bool:
    """Return whether values are read as texts, whose form does not differ."""
    return (
        isinstance(dtype, pl.Decimal | pl.String | pl.Categorical | pl.Enum)
        or dtype == pl.UInt64
        or is_json_type(dtype)
    )


def accepts(found: str, needed: str, dtype: pl.DataType) -> bool:
    """Return whether a column keeps values without loss, or refuses them aloud.

    Args:
        found: Type of the column.
        needed: Type that a new column would have.
        dtype: Type of the values.
    """
    kind = _PRECISION.sub("", found)
    if needed == "text" or needed.startswith("text COLLATE"):
        return kind in _TEXTS
    if needed in _INTEGERS:
        return kind in _INTEGERS
    if needed == "real":
        return kind == "double precision"
    if needed == "jsonb":
        return kind == "text"
    if isinstance(dtype, pl.Decimal):
        return kind == "numeric" and _scale(found) >= dtype.scale
    if isinstance(dtype, pl.Datetime | pl.Time):
        return kind == needed and "(6)" in found
    return False


def _scale(found: str) -> int:
    precision = _PRECISION.search(found)
    return int(precision[2] or 0) if precision else 1000
