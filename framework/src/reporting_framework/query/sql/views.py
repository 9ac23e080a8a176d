"""A table's files as one SELECT.

It has the columns, order and types of `Sink.scan`, even for files of older schemas.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import polars as pl

from reporting_framework.query.sql.engine import identifier, literal

if TYPE_CHECKING:
    from reporting_framework.plugin_api.sink import ParquetFile

_NAMES: dict[type[pl.DataType], str] = {
    pl.String: "VARCHAR",
    pl.Boolean: "BOOLEAN",
    pl.Date: "DATE",
    pl.Float32: "FLOAT",
    pl.Float64: "DOUBLE",
    pl.Int8: "TINYINT",
    pl.Int16: "SMALLINT",
    pl.Int32: "INTEGER",
    pl.Int64: "BIGINT",
    pl.UInt8: "UTINYINT",
    pl.UInt16: "USMALLINT",
    pl.UInt32: "UINTEGER",
    pl.UInt64: "UBIGINT",
}


def select(
    files: Sequence[ParquetFile], sources: Sequence[str], schema: pl.Schema
) -> str | None:
    """Return the rows of all files as SQL.

    Return None if a column needs a cast that SQL may do differently from polars, or if
    names of a file's columns differ only in case.

    Args:
        files: The files, at least one.
        sources: Name of each file in SQL.
        schema: Columns to put first, in this order and of these types; others follow.
    """
    wanted = _merged(files, schema)
    groups: dict[tuple[tuple[str, pl.DataType], ...], list[str]] = {}
    for file, source in zip(files, sources, strict=True):
        groups.setdefault(tuple(file.schema.items()), []).append(source)
    parts = []
    for columns, alike in groups.items():
        columns_by_name = dict(columns)
        expressions = [
            _expression(name, columns_by_name.get(name), dtype)
            for name, dtype in wanted.items()
        ]
        if None in expressions or len(
            {name.casefold() for name in columns_by_name}
        ) < len(columns_by_name):  # SQL ignores case
            return None
        listed = ", ".join(map(literal, alike))
        parts.append(
            f"SELECT {', '.join(map(str, expressions))} FROM read_parquet([{listed}],"
            " hive_partitioning = false)"
        )
    return " UNION ALL ".join(parts)


def _merged(files: Sequence[ParquetFile], schema: pl.Schema) -> pl.Schema:
    """Return the schema's columns, then the others in types that fit all files."""
    frames = [
        pl.Schema(
            schema | {n: t for n, t in file.schema.items() if n not in schema}
        ).to_frame()
        for file in files
    ]
    return (
        pl.concat(frames, how="diagonal_relaxed").schema
        if len(frames) > 1
        else frames[0].schema
    )


def _expression(
    name: str, actual: pl.DataType | None, wanted: pl.DataType
) -> str | None:
    """Return a file's column as SQL in the wanted type; None without a safe cast."""
    column = identifier(name)
    if actual == wanted:
        return column
    target = _sql_type(wanted)
    if target is None:
        return None
    if actual is None or isinstance(actual, pl.Null):
        return f"CAST(NULL AS {target}) AS {column}"
    if isinstance(actual, pl.String) and isinstance(wanted, pl.Date):
        return f"CAST(strptime({column}, '%Y-%m-%d') AS DATE) AS {column}"
    alike = (actual.is_integer() and wanted.is_integer()) or (
        isinstance(actual, pl.Float32) and isinstance(wanted, pl.Float64)
    )
    return f"CAST({column} AS {target}) AS {column}" if alike else None


def _sql_type(dtype: pl.DataType) -> str | None:
    if isinstance(dtype, pl.Datetime) and dtype.time_unit != "ns":
        return "TIMESTAMPTZ" if dtype.time_zone else "TIMESTAMP"
    return _NAMES.get(type(dtype))
