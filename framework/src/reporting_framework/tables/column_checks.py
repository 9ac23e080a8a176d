"""Checks of the name and the columns of a table of a database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from reporting_framework.errors import SettingsError
from reporting_framework.tables.loading import INTERNAL

if TYPE_CHECKING:
    from reporting_framework.tables.dialect import Database


def check_columns(sink: Database, schema: pl.Schema) -> None:
    """Check that a table can have its name and these columns.

    Raises:
        SettingsError: It cannot.
    """
    if sink.settings.table.casefold().startswith(INTERNAL):
        raise SettingsError(
            f"{sink.subject}: table: names that begin with {INTERNAL} are the"
            " framework's own; give the table another one"
        )
    if own := [name for name in schema if name.casefold().startswith(INTERNAL)]:
        raise SettingsError(
            f"{sink.subject}: column {own[0]}: names that begin with {INTERNAL}"
            " are the framework's own; rename it with a transform"
        )
    names = [name.casefold() for name in schema]
    if twice := [name for name in schema if names.count(name.casefold()) > 1]:
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
            " and time with a time zone; name another one"
        )
    for name, dtype in schema.items():
        try:
            sink.sql_type(dtype)
        except SettingsError as error:
            message = str(error).removeprefix(f"{sink.subject}: ")
            raise SettingsError(f"{sink.subject}: column {name}: {message}") from None
