"""Source ``sql-table``."""

from __future__ import annotations

from typing import ClassVar

from reporting_framework import TableSource
from reporting_sql.settings import SqlTableSettings


class SqlTable(TableSource):
    """Rows of a table, of several tables or of a query."""

    name: ClassVar[str] = "sql-table"
    Settings: ClassVar[type[SqlTableSettings]] = SqlTableSettings
