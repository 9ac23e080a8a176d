"""Sink ``sqlite-table``."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
from typing_extensions import override

from acme_reporting.sink_settings import SqliteSinkSettings
from reporting_framework import (
    CorruptCheckpoint,
    LocationError,
    MetadataLocation,
    ReportingError,
    TableSink,
)

PROBLEMS: Mapping[str, tuple[type[ReportingError], str]] = {
    "SQLITE_NOTADB": (CorruptCheckpoint, "it is no SQLite file; give another path"),
    "SQLITE_CORRUPT": (CorruptCheckpoint, "it is damaged; restore it"),
    "SQLITE_CANTOPEN": (
        LocationError,
        "it cannot be opened; give another path, in a folder that can be written to",
    ),
}
"""Errors of the file that a retry does not fix, by the prefix of SQLite's code."""


class SqliteTableSink(TableSink):
    """Sink of a table in a SQLite file.

    Moments, days and decimal numbers are texts. A float that is not a number is null.
    """

    name: ClassVar[str] = "sqlite-table"
    Settings: ClassVar[type[SqliteSinkSettings]] = SqliteSinkSettings
    settings: SqliteSinkSettings
    begin = "BEGIN IMMEDIATE"  # whoever waits for the lock has read nothing yet

    @override
    def connect(self, *, write: bool) -> sqlite3.Connection:
        path = self.settings.path
        database = sqlite3.connect(
            path if write or Path(path).exists() else ":memory:",
            timeout=self.settings.busy_seconds,
            isolation_level=None,
            check_same_thread=False,
        )
        if write:
            with suppress(sqlite3.OperationalError):  # another run is about to set it
                database.execute("PRAGMA journal_mode = WAL").close()
        return database

    @property
    @override
    def location(self) -> str:
        return f"{self.settings.path}#{self.settings.table}"

    def metadata_location(self) -> MetadataLocation:
        """See `Sink.metadata_location`: the folder of the file."""
        path = Path(self.settings.path)
        return MetadataLocation(str(path.parent), f"{path.name}-{self.settings.table}")

    @override
    def columns(self, cursor: sqlite3.Cursor, table: str) -> Mapping[str, str]:
        cursor.execute("SELECT name, type FROM pragma_table_info(?)", (table,))
        return dict(cursor.fetchall())

    def size(self, cursor: sqlite3.Cursor) -> int:
        """Return the size of the whole file."""
        cursor.execute(
            "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
        )
        return int(cursor.fetchone()[0])

    def sql_type(self, dtype: pl.DataType) -> str:
        """Return the type of a column; a decimal number would become a float."""
        return "TEXT" if isinstance(dtype, pl.Decimal) else super().sql_type(dtype)

    @override
    def problem(self, error: Exception) -> ReportingError:
        code: Any = getattr(error, "sqlite_errorname", "")
        for beginning, (kind, advice) in PROBLEMS.items():
            if code.startswith(beginning):
                return kind(f"{self.subject}: {code}: {advice}")
        return super().problem(error)
