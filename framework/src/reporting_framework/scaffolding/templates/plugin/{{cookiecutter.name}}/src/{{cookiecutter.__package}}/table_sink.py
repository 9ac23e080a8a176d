"""The sink: a table of a SQLite file. Replace it with yours."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from pydantic import Field
from reporting_framework import TableSink, TableSinkSettings
from typing_extensions import override


class SqliteTableSettings(TableSinkSettings):
    """Settings of the sink."""

    path: str = Field(description="The SQLite file; the first commit creates it")


class SqliteTable(TableSink):
    """Rows as a table of a SQLite file, with `append`, `upsert` and `replace`."""

    name: ClassVar[str] = "{{ cookiecutter.name }}"
    Settings: ClassVar[type[SqliteTableSettings]] = SqliteTableSettings
    begin = "BEGIN IMMEDIATE"

    @override
    def connect(self, *, write: bool) -> sqlite3.Connection:
        path = self.settings.path
        file = path if write or Path(path).exists() else ":memory:"
        return sqlite3.connect(file, isolation_level=None, check_same_thread=False)

    @override
    def columns(self, cursor: sqlite3.Cursor, table: str) -> Mapping[str, str]:
        found = cursor.execute("SELECT name, type FROM pragma_table_info(?)", (table,))
        return dict(found.fetchall())
