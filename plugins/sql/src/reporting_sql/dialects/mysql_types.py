"""Types of MySQL and MariaDB for the types of frames."""

from __future__ import annotations

import re
from typing import Any

import polars as pl

from reporting_sql.dialects.json_values import is_json

_TYPES: dict[Any, str] = {
    pl.Boolean: "tinyint(1)",
    pl.Int8: "smallint",
    pl.Int16: "smallint",
    pl.Int32: "int",
    pl.Int64: "bigint",
    pl.UInt8: "smallint",
    pl.UInt16: "int",
    pl.UInt32: "bigint",
    pl.UInt64: "decimal(20,0)",
    pl.Float32: "double",
    pl.Float64: "double",
    pl.String: "longtext CHARACTER SET utf8mb4",
    pl.Categorical: "longtext CHARACTER SET utf8mb4",
    pl.Enum: "longtext CHARACTER SET utf8mb4",
    pl.Binary: "longblob",
    pl.Date: "date",
    pl.Time: "time(6)",
    pl.Datetime: "datetime(6)",
    pl.Duration: "bigint",
}

_TEXTS = ("char", "varchar", "tinytext", "text", "mediumtext", "longtext")
_PARTS = re.compile(r"([a-z]+)(?:\((\d+)(?:,(\d+))?\))?")


def sql_type(dtype: pl.DataType) -> str | None:
    """Return the type of a column, `None` if the database cannot keep such values."""
    if isinstance(dtype, pl.Decimal):
        return (
            f"decimal({dtype.precision},{dtype.scale})" if dtype.scale <= 30 else None
        )
    if is_json(dtype):
        return _TYPES[pl.String]
    return _TYPES.get(dtype.base_type())


def accepts(found: str, dtype: pl.DataType) -> bool:
    """Return whether a column keeps values without loss, or refuses them aloud."""
    parts = _PARTS.match(found)
    if parts is None:
        return False
    kind, first, second = parts.groups()
    if isinstance(dtype, pl.String | pl.Categorical | pl.Enum) or is_json(dtype):
        return kind in _TEXTS
    if dtype.is_integer() or isinstance(dtype, pl.Duration):
        return kind in ("smallint", "mediumint", "int", "bigint")
    if isinstance(dtype, pl.Decimal):
        return kind == "decimal" and int(second or 0) >= dtype.scale
    if isinstance(dtype, pl.Datetime):
        return kind in ("datetime", "timestamp") and first == "6"
    return isinstance(dtype, pl.Binary) and kind in ("blob", "mediumblob", "varbinary")
