"""Conversion of values between frames and databases.

Numbers, texts, truth values and bytes are passed unchanged. Moments, days and times are
passed as ISO 8601 texts (moments in UTC). Every database accepts these for its own
types; if a database has no such types, the texts sort in the order of time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

_TYPES: dict[Any, str] = {
    pl.Boolean: "BOOLEAN",
    pl.Int8: "SMALLINT",
    pl.Int16: "SMALLINT",
    pl.Int32: "INTEGER",
    pl.Int64: "BIGINT",
    pl.UInt8: "SMALLINT",
    pl.UInt16: "INTEGER",
    pl.UInt32: "BIGINT",
    pl.Float32: "DOUBLE PRECISION",
    pl.Float64: "DOUBLE PRECISION",
    pl.String: "TEXT",
    pl.Categorical: "TEXT",
    pl.Enum: "TEXT",
    pl.Binary: "BLOB",
    pl.Date: "DATE",
    pl.Time: "TIME",
    pl.Duration: "BIGINT",
}


def standard_type(dtype: pl.DataType) -> str | None:
    """Return the standard SQL type for a column, `None` if there is none."""
    if isinstance(dtype, pl.Datetime):
        return "TIMESTAMP WITH TIME ZONE" if dtype.time_zone else "TIMESTAMP"
    if isinstance(dtype, pl.Decimal):
        return f"NUMERIC({dtype.precision}, {dtype.scale})"
    return _TYPES.get(dtype.base_type())


def encoded(frame: pl.DataFrame) -> pl.DataFrame:
    """Convert a frame to values that every database accepts."""
    return frame.with_columns(
        _encoded(pl.col(name), dtype) for name, dtype in frame.schema.items()
    )


def _encoded(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if isinstance(dtype, pl.Datetime) and dtype.time_zone:
        return column.dt.convert_time_zone("UTC").dt.to_string("iso:strict")
    if isinstance(dtype, pl.Datetime | pl.Date | pl.Time):
        return column.dt.to_string("iso:strict")
    if isinstance(dtype, pl.Duration):
        return column.to_physical()
    if isinstance(dtype, pl.Decimal | pl.Categorical | pl.Enum):
        return column.cast(pl.String)
    return column


def decoded(
    name: str, values: Sequence[Any] | pl.Series, dtype: pl.DataType
) -> pl.Series:
    """Convert values of a database to a column of this type."""
    column = pl.Series(name, values, strict=False)
    if column.dtype == pl.String:
        if isinstance(dtype, pl.Datetime):
            form = "%Y-%m-%dT%H:%M:%S%.f" + ("%:z" if dtype.time_zone else "")
            zone = "UTC" if dtype.time_zone else None
            column = column.str.to_datetime(
                form, time_unit=dtype.time_unit, time_zone=zone
            )
        elif isinstance(dtype, pl.Date):
            column = column.str.to_date("%Y-%m-%d")
        elif isinstance(dtype, pl.Time):
            column = column.str.to_time("%H:%M:%S%.f")
    if isinstance(dtype, pl.Duration):
        column = column.cast(pl.Int64)
    return column.cast(dtype)


def decoded_rows(
    columns: Mapping[str, pl.DataType], rows: Sequence[tuple[Any, ...]]
) -> pl.DataFrame:
    """Convert rows of a database to a frame with these columns."""
    values = zip(*rows, strict=True)
    return pl.DataFrame(
        [
            decoded(name, column, dtype)
            for (name, dtype), column in zip(columns.items(), values, strict=True)
        ]
    )
