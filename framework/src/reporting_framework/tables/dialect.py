"""Dialect of a `TableSink`'s database, with the defaults of standard SQL."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import polars as pl

from reporting_framework.errors import ReportingError, SettingsError
from reporting_framework.plugin_api.driver_errors import standard_problem
from reporting_framework.plugin_api.records import SOURCE_KEY, VERSION
from reporting_framework.plugin_api.sink import Sink
from reporting_framework.tables.session import Session
from reporting_framework.tables.values import standard_type


class Database(Sink):
    """Part of `TableSink`: the connection, and differences from standard SQL.

    All methods except `connect` have defaults, which SQLite, PostgreSQL and DuckDB
    understand.

    Attributes:
        begin: Statement that begins a transaction that writes.
        placeholder: Placeholder of a parameter in the driver's format: ``?`` or ``%s``.
        key_type: Type of texts that are compared by their bytes: source keys and
            versions. In PostgreSQL it is ``TEXT COLLATE "C"``.
    """

    begin: ClassVar[str] = "BEGIN"
    placeholder: ClassVar[str] = "?"
    key_type: ClassVar[str] = "TEXT"

    @abstractmethod
    def connect(self, *, write: bool) -> Any:
        """Return a new connection that follows PEP 249, in autocommit mode.

        Called for each step, in any thread; the connection is closed after the step. If
        there is no database yet and `write` is false, return a connection to an empty
        database, and do not create one.

        Args:
            write: Whether rows will be written; a missing database may then be created.
        """

    @property
    def location(self) -> str:
        """URI of the table, for messages and results; without a secret."""
        return f"{self.name}:{self.settings.table}"

    def size(self, cursor: Any) -> int:
        """Return the size of the table in bytes, 0 if it is not known."""
        return 0

    def columns(self, cursor: Any, table: str) -> Mapping[str, str]:
        """Return the type of each column by its name; empty if there is no table.

        The types are those that the database reports; temporary tables work too.
        """
        database = Session(self, cursor)
        rows = database.rows(
            "SELECT 1 FROM information_schema.tables WHERE table_name = ? AND"
            " (table_schema = current_schema() OR table_type = 'LOCAL TEMPORARY')",
            table,
        )
        if not rows:
            return {}
        database.run(f"SELECT * FROM {self.quote(table)} WHERE 1 = 0")
        return {column[0]: str(column[1]) for column in cursor.description}

    def sql_type(self, dtype: pl.DataType) -> str:
        """Return the type of a column for values of this type.

        Raises:
            SettingsError: The database cannot store such values.
        """
        name = standard_type(dtype)
        if name is None:
            raise SettingsError(
                f"{self.subject}: values of type {dtype} cannot be kept; leave them out"
                " with a transform"
            )
        return name

    def quote(self, name: str) -> str:
        """Return a name as a quoted identifier."""
        return '"' + name.replace('"', '""') + '"'

    def load(self, cursor: Any, table: str, frame: pl.DataFrame) -> None:
        """Insert all rows of a frame, whose columns are the table's, in their order."""
        places = ", ".join([self.placeholder] * frame.width)
        cursor.executemany(f"INSERT INTO {table} VALUES ({places})", frame.rows())

    def upsert_sql(
        self, table: str, source: str, columns: Sequence[str], condition: str
    ) -> str:
        """Return a statement that inserts rows, or updates those that are not newer.

        Args:
            table: Table to write to, quoted.
            source: Table of the new rows, one row for each source key.
            columns: Columns of both tables, not quoted.
            condition: Condition on the new rows.
        """
        version, names = self.quote(VERSION), list(map(self.quote, columns))
        listed = ", ".join(names)
        values = ", ".join(f"{name} = excluded.{name}" for name in names)
        return (
            f"INSERT INTO {table} ({listed}) SELECT {listed} FROM {source}"
            f" WHERE {condition} ON CONFLICT ({self.quote(SOURCE_KEY)})"
            f" DO UPDATE SET {values} WHERE {table}.{version} IS NULL"
            f" OR excluded.{version} >= {table}.{version}"
        )

    def problem(self, error: Exception) -> ReportingError:
        """Return the error for an exception of the driver, without any values."""
        return standard_problem(self.subject, error)

    @property
    def subject(self) -> str:
        """Subject of messages about the sink."""
        return f"sink {self.name}: {self.location}"
