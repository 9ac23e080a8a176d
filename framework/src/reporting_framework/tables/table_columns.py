"""Columns of a table of a database, and their checks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import polars as pl

from reporting_framework.errors import CorruptCheckpoint, SettingsError
from reporting_framework.plugin_api.records import SOURCE_KEY, VERSION
from reporting_framework.tables.loading import INTERNAL, STAGED

if TYPE_CHECKING:
    from reporting_framework.tables.dialect import Database
    from reporting_framework.tables.session import Session


def check_columns(sink: Database, schema: pl.Schema, added: Iterable[str]) -> None:
    """Check that a table can have its name and these columns.

    Args:
        sink: The sink, whose table it is.
        schema: Columns of the report.
        added: Names of columns that are beside them.

    Raises:
        SettingsError: The name or a column cannot be used.
    """
    if sink.settings.table.casefold().startswith(INTERNAL):
        raise SettingsError(
            f"{sink.subject}: table: names that begin with {INTERNAL} are the"
            " framework's own; give the table another one",
            path=("table",),
        )
    if own := [name for name in schema if name.casefold().startswith(INTERNAL)]:
        raise SettingsError(
            f"{sink.subject}: column {own[0]}: names that begin with {INTERNAL}"
            " are the framework's own; rename it with a transform"
        )
    names = [*schema, *added]
    folded = [name.casefold() for name in names]
    if twice := [name for name in names if folded.count(name.casefold()) > 1]:
        raise SettingsError(
            f"{sink.subject}: columns {', '.join(twice)} have the same name in a"
            " database; rename one with a transform"
        )
    timestamp = sink.settings.timestamp
    if timestamp is not None and not (
        isinstance(dtype := schema.get(timestamp), pl.Datetime) and dtype.time_zone
    ):
        raise SettingsError(
            f"{sink.subject}: timestamp: there is no column {timestamp} of a date"
            " and time with a time zone; name another one",
            path=("timestamp",),
        )
    for name, dtype in schema.items():
        try:
            sink.sql_type(dtype)
        except SettingsError as error:
            message = str(error).removeprefix(f"{sink.subject}: ")
            raise SettingsError(f"{sink.subject}: column {name}: {message}") from None


def check_alone(sink: Database, tables: Iterable[str]) -> None:
    """Check that a table is not one that is written under another name.

    Args:
        sink: The sink, whose table is there.
        tables: Names of tables that were committed to.

    Raises:
        SettingsError: It is: the names differ in case, and not for the database.
    """
    own = sink.settings.table
    for name in tables:
        if name != own and name.casefold() == own.casefold():
            raise SettingsError(
                f"{sink.subject}: table: in this database it is the same as {name},"
                " which is written under that name; give it another one"
            )


def definitions(sink: Database, schema: pl.Schema | dict[str, pl.DataType]) -> str:
    """Return the columns of a schema in the syntax of ``CREATE TABLE``."""
    return ", ".join(
        f"{sink.quote(name)}"
        f" {sink.key_type if name in (SOURCE_KEY, VERSION) else sink.sql_type(dtype)}"
        for name, dtype in schema.items()
    )


def missing_columns(sink: Database, database: Session, schema: pl.Schema) -> list[str]:
    """Return columns of the report that the table lacks.

    The temporary table of staged rows must exist, as its columns have the required
    types.

    Raises:
        CorruptCheckpoint: A column of the table has another type, or a name that is
            the same except for case, or there is no column of source keys.
    """
    existing = sink.columns(database.cursor, sink.settings.table)
    needed = sink.columns(database.cursor, STAGED)
    if SOURCE_KEY not in existing:
        raise CorruptCheckpoint(
            f"{sink.subject}: the table has no column {SOURCE_KEY}, so it is not a"
            " report's; give another table"
        )
    folded = {name.casefold(): name for name in existing}
    for name in schema:
        known = folded.get(name.casefold(), name)
        if known != name and name not in existing:
            raise CorruptCheckpoint(
                f"{sink.subject}: column {name}: the table has {known}, the same name"
                " in a database; rename one, or give another table"
            )
        if name in existing and existing[name] != needed[name]:
            raise CorruptCheckpoint(
                f"{sink.subject}: column {name}: it is {existing[name]}, the report"
                f" needs {needed[name]}; change one, or give another table"
            )
    return [name for name in schema if name not in existing]
