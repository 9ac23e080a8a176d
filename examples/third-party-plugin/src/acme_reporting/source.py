"""Source ``sqlite-table``."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import polars as pl
from typing_extensions import override

from acme_reporting.settings import SqliteTableSettings
from acme_reporting.table import Table, problem
from reporting_framework import ReportingError, TableInfo, TableQuery, TableSource


class SqliteTable(TableSource):
    """Source of rows of a SQLite table, with source keys such as ``orders/17``."""

    name: ClassVar[str] = "sqlite-table"
    Settings: ClassVar[type[SqliteTableSettings]] = SqliteTableSettings

    def streams(self) -> Sequence[str]:
        """See `Source.streams`: the tables, if there are several."""
        return list(self.settings.tables)

    @cached_property
    def _table(self) -> Table:
        settings, name = self.settings, self.stream or self.settings.table
        return Table(settings.path, name, settings.busy_seconds)

    @override
    def table_info(self) -> TableInfo:
        return self._table.info(self.settings.cursor)

    @override
    def fetch(self, query: TableQuery) -> pl.DataFrame:
        return self._table.rows(query)

    @override
    def problem(self, error: Exception) -> ReportingError:
        return problem(self.settings.path, error)

    def source_uris(self) -> Sequence[str]:
        """See `Source.source_uris`: the file."""
        return [Path(self.settings.path).resolve().as_uri()]
