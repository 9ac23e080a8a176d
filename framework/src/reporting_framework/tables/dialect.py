"""What a `TableSink` must know of a database, with the defaults of standard SQL."""

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
    """Part of `TableSink`: how to connect, and how the SQL differs from the standard's.

    All but `connect` has a default, which SQLite, PostgreSQL and DuckDB understand.

    Attributes:
        begin: Statement that begins a transaction that writes.
        placeholder: Parameter of a statement, as the driver has it: ``?`` or ``%s``.
        key_type: Type of texts that are compared by their bytes: source keys and
            versions. In PostgreSQL it is ``TEXT COLLATE "C"``.
    """

    begin: ClassVar[str] = "BEGIN"
    placeholder: ClassVar[str] = "?"
    key_type: ClassVar[str] = "TEXT"

    @abstractmethod
    def connect(self, *, write: bool) -> Any:
        """Return a new connection as PEP 249 has it, in autocommit mode.

        Called for each step, in any thread; the connection is closed after it. Where
        there is no database yet, an empty one is as good, and none is made.

        Args:
            write: Whether rows will be written; a database may be made then.
        """

    @property
    def location(self) -> str:
        """URI of the table, for messages and results; without a secret."""
        return f"{self.name}:{self.settings.table}"

    def size(self, cursor: Any) -> int:
        """Return the size of the table in bytes, 0 if it is not known."""
        return 0

    def columns(self, cursor: Any, table: str) -> Mapping[str, str]:
        """Return the type of each column by its name, nothing if there is no table.

        Types are those that the database itself has, for temporary tables, too.
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
            SettingsError: Such values cannot be kept.
        """
        name = standard_type(dtype)
        if name is None:
            raise SettingsError(
                f"{self.subject}: values of type {dtype} cannot be kept; leave them out"
                " with a transform"
            )
        return name

    def quote(self, name: str) -> str:
        """Return an identifier as SQL has it."""
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
            table: Where to, quoted.
            source: Table that the rows are in, one for each source key.
            columns: Columns of both, not quoted.
            condition: Which of the rows.
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
        """Return what an exception of the driver means; it must hold no value."""
        return standard_problem(self.subject, error)

    @property
    def subject(self) -> str:
        """How messages name it."""
        return f"sink {self.name}: {self.location}"
