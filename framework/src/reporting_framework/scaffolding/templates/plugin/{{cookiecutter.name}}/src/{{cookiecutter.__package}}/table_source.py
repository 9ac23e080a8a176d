"""The source: rows of the table ``orders`` of a SQLite file. Replace it with yours."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import ClassVar

import polars as pl
from pydantic import Field
from reporting_framework import StorageUnavailable, TableInfo, TableQuery, TableSettings, TableSource
from typing_extensions import override


class SqliteRowsSettings(TableSettings):
    """Settings of the source."""

    path: str = Field(description="The SQLite file")


class SqliteRows(TableSource):
    """Orders, whose column ``changed`` grows with each change of a row."""

    name: ClassVar[str] = "{{ cookiecutter.name }}"
    Settings: ClassVar[type[SqliteRowsSettings]] = SqliteRowsSettings

    @override
    def table_info(self) -> TableInfo:
        columns = {"id": pl.Int64(), "item": pl.String(), "changed": pl.String()}
        return TableInfo("orders", ["id"], pl.Schema(columns), cursor="changed")

    @override
    def fetch(self, query: TableQuery) -> pl.DataFrame:
        text, values = query.select("orders")
        file = Path(self.settings.path).absolute().as_uri()
        try:  # read only: a file that is missing is not made
            with closing(sqlite3.connect(f"{file}?mode=ro", uri=True)) as database:
                rows = database.execute(text, values).fetchall()
        except sqlite3.OperationalError as error:
            raise StorageUnavailable(f"source {self.name}: {error.sqlite_errorname}; check path") from error
        schema = {name: self.info.schema[name] for name in query.columns}
        return pl.DataFrame(rows, schema, orient="row")
