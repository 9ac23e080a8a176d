"""Hive's names, types and locations of a table, for Athena and Glue."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import polars as pl

from reporting_framework.errors import PluginError, SettingsError
from reporting_framework.query.schemas.table import type_name

if TYPE_CHECKING:
    from reporting_framework.query.schemas.table import Table

_PLAIN: dict[type[pl.DataType], str] = {
    pl.String: "string",
    pl.Categorical: "string",
    pl.Enum: "string",
    pl.Boolean: "boolean",
    pl.Int8: "tinyint",
    pl.Int16: "smallint",
    pl.Int32: "int",
    pl.Int64: "bigint",
    pl.UInt8: "smallint",
    pl.UInt16: "int",
    pl.UInt32: "bigint",
    pl.UInt64: "decimal(20,0)",
    pl.Float32: "float",
    pl.Float64: "double",
    pl.Date: "date",
    pl.Datetime: "timestamp",
    pl.Duration: "bigint",
    pl.Binary: "binary",
}
_NAME = re.compile(r"[a-z0-9_]+")


def hive_columns(table: Table) -> list[tuple[str, str, str]]:
    """Return name, type and description of each column.

    Raises:
        SettingsError: Hive has no such type, or two names differ only in case, which
            Athena ignores.
    """
    lowered = [column.name.lower() for column in table.columns]
    if alike := sorted({name for name in lowered if lowered.count(name) > 1}):
        raise SettingsError(
            f"report {table.report}: columns {', '.join(alike)} differ only in case,"
            " which Athena ignores; rename one of each"
        )
    return [
        (
            column.name.lower(),
            _type(column.dtype, column.name, table),
            column.facts.description,
        )
        for column in table.columns
    ]


def location_of(table: Table, given: str | None) -> str:
    """Return the folder in S3 that holds the files, with a trailing slash.

    Args:
        table: The table.
        given: A folder to use instead of the table's own.

    Raises:
        PluginError: None of the report's sinks writes parquet files.
        SettingsError: The files are not in S3.
    """
    if table.folder is None:
        raise PluginError(
            f"report {table.report}: there is no table of files: none of its sinks"
            f" writes parquet files ({', '.join(table.sinks)}); add a sink that does"
        )
    place = given or table.folder
    if not place.startswith("s3://"):
        raise SettingsError(
            f"report {table.report}: the table is at {place}, and Athena reads only S3;"
            " name a checkpoint there, or pass --location s3://bucket/folder/"
        )
    return f"{place.rstrip('/')}/"


def table_name(report: str, given: str | None) -> str:
    """Return the given name, or the report's with underscores.

    Raises:
        SettingsError: The name has characters that Athena does not accept.
    """
    name = given or re.sub(r"[^a-z0-9_]", "_", report.lower())
    if not _NAME.fullmatch(name):
        raise SettingsError(
            f"{name!r}: not a valid name of a table or database; use lower-case"
            " letters, digits and underscores"
        )
    return name


def _type(dtype: pl.DataType, column: str, table: Table) -> str:
    if isinstance(dtype, pl.Decimal):
        return f"decimal({dtype.precision},{dtype.scale})"
    if isinstance(dtype, pl.List | pl.Array):
        return f"array<{_type(pl.Series(dtype=dtype.inner).dtype, column, table)}>"
    if isinstance(dtype, pl.Struct):
        fields = [
            (field.name, _type(pl.Series(dtype=field.dtype).dtype, column, table))
            for field in dtype.fields
        ]
        if odd := [name for name, _ in fields if not _NAME.fullmatch(name.lower())]:
            raise SettingsError(
                f"report {table.report}: column {column}: Athena does not accept the"
                f" field name {odd[0]!r} in a struct; rename the field"
            )
        return f"struct<{','.join(f'{name.lower()}:{kind}' for name, kind in fields)}>"
    if type(dtype) not in _PLAIN:
        raise SettingsError(
            f"report {table.report}: column {column} is {type_name(dtype)}, which"
            " Athena has no type for; change its type or drop it"
        )
    return _PLAIN[type(dtype)]
