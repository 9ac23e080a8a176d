"""Columns of a table of a database, and their checks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import polars as pl

from reporting_framework.errors import CorruptCheckpoint, SettingsError
from reporting_framework.plugin_api.records import SOURCE_KEY
from reporting_framework.tables.loading import INTERNAL

if TYPE_CHECKING:
    from reporting_framework.tables.dialect import Database
    from reporting_framework.tables.session import Session

STATE = "_reporting_state"
"""Table with a row for each table: number of commits, and source state."""

NEEDED = "_reporting_needed"
"""Temporary table with the columns that the table must have, and no rows."""


def check_columns(sink: Database, schema: pl.Schema, added: Iterable[str]) -> None:
    """Check that a table can have its name and these columns.

    Args:
        sink: The sink, whose table it is.
        schema: Columns of the report.
        added: Names of columns that are beside them.

    Raises:
        SettingsError: The name or a column cannot be used.
    """
    table = sink.split(sink.settings.table)
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
    limit = sink.max_name_bytes
    for name in (*table, *names):
        if limit and len(name.encode()) > limit:
            raise SettingsError(
                f"{sink.subject}: {name}: the database takes no names of more than"
                f" {limit} bytes; shorten it"
            )
    for name in sink.key:
        if name not in schema:
            raise SettingsError(
                f"{sink.subject}: primary_key: there is no column {name}; name columns"
                " of the report",
                path=("primary_key",),
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
            sink.column_type(name, dtype)
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
    own = sink.split(sink.settings.table)[-1]
    for name in tables:
        if name != own and name.casefold() == own.casefold():
            raise SettingsError(
                f"{sink.subject}: table: in this database it is the same as {name},"
                " which is written under that name; give it another one"
            )


def definitions(sink: Database, schema: pl.Schema | dict[str, pl.DataType]) -> str:
    """Return the columns of a schema in the syntax of ``CREATE TABLE``."""
    return ", ".join(
        f"{sink.quote(name)} {sink.column_type(name, dtype)}"
        for name, dtype in schema.items()
    )


def create_needed(sink: Database, database: Session, schema: pl.Schema) -> None:
    """Create the temporary table that says how the database names the types."""
    columns = definitions(sink, schema)
    database.run(f"CREATE TEMPORARY TABLE {NEEDED} ({columns})")


def column_types(
    sink: Database, database: Session, schema: pl.Schema
) -> dict[str, str]:
    """Return the type of each column: of the table if it has one, or a new one's."""
    existing = sink.columns(database.cursor, sink.settings.table)
    needed = sink.columns(database.cursor, NEEDED)
    return {
        name: found
        if (found := existing.get(name, needed[name])) != needed[name]
        else sink.column_type(name, dtype)
        for name, dtype in schema.items()
    }


def missing_columns(sink: Database, database: Session, schema: pl.Schema) -> list[str]:
    """Return columns of the report that the table lacks.

    `create_needed` must have been called.

    Raises:
        CorruptCheckpoint: A column of the table has another type, or a name that is
            the same except for case, or there is no column of source keys.
    """
    existing = sink.columns(database.cursor, sink.settings.table)
    needed = sink.columns(database.cursor, NEEDED)
    if SOURCE_KEY not in existing:
        raise CorruptCheckpoint(
            f"{sink.subject}: the table has no column {SOURCE_KEY}, so it is not a"
            " report's; give another table"
        )
    folded = {name.casefold(): name for name in existing}
    for name, dtype in schema.items():
        known = folded.get(name.casefold(), name)
        if known != name and name not in existing:
            raise CorruptCheckpoint(
                f"{sink.subject}: column {name}: the table has {known}, the same name"
                " in a database; rename one, or give another table"
            )
        found = existing.get(name, needed[name])
        if found != needed[name] and not sink.accepts(found, name, dtype):
            raise CorruptCheckpoint(
                f"{sink.subject}: column {name}: it is {found}, the report"
                f" needs {needed[name]}; change one, or give another table"
            )
    return [name for name in schema if name not in existing]
