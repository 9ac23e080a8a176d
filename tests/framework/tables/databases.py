"""Small sinks of two databases, as an author would write them."""

import sqlite3
from pathlib import Path

import duckdb

from reporting_framework import TableSink, TableSinkSettings


class FileSettings(TableSinkSettings):
    path: str


class SqliteTable(TableSink):
    name = "small-sqlite"
    Settings = FileSettings
    begin = "BEGIN IMMEDIATE"

    def connect(self, *, write):
        path = self.settings.path
        database = sqlite3.connect(
            path if write or Path(path).exists() else ":memory:",
            isolation_level=None,
            check_same_thread=False,
            timeout=60,
        )
        database.execute("PRAGMA synchronous = OFF").close()  # nothing cuts the power
        return database

    def columns(self, cursor, table):
        cursor.execute("SELECT name, type FROM pragma_table_info(?)", (table,))
        return dict(cursor.fetchall())


class DuckTable(TableSink):
    name = "small-duckdb"
    Settings = FileSettings

    def connect(self, *, write):
        path = self.settings.path
        return duckdb.connect(path if write or Path(path).exists() else ":memory:")
