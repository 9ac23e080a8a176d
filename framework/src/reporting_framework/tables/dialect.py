"""Dialect of a `TableSink`'s database, with the defaults of standard SQL."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl

from reporting_framework.errors import ReportingError, SettingsError
from reporting_framework.plugin_api.driver_errors import standard_problem
from reporting_framework.plugin_api.records import SOURCE_KEY, VERSION
from reporting_framework.plugin_api.sink import Sink
from reporting_framework.tables.session import Session
from reporting_framework.tables.values import decoded_rows, encoded, standard_type

MOMENT = pl.Datetime("us", "UTC")


class Database(Sink):
    """Part of `TableSink`: the connection, and differences from standard SQL.

    All methods except `connect` have defaults, which SQLite, PostgreSQL and DuckDB
    understand.

    Attributes:
        begin: Statement that begins a transaction that writes.
        placeholder: Placeholder of a parameter in the driver's format: ``?``, ``%s``,
            or ``$`` for ``$1``, ``$2`` and so on.
        key_type: Type of texts that are compared by their bytes: source keys, versions
            and texts of the primary key. In PostgreSQL it is ``TEXT COLLATE "C"``.
        load_rows: Largest number of rows that `load` is given at once.
        row_order: Expression for the order in which the rows of a temporary table were
            loaded, such as ``ctid`` in PostgreSQL; empty: a column is added for it.
        max_name_bytes: Longest name of a table or column in UTF-8; 0: no limit.
        ddl_commits: Whether a statement that creates or changes a table ends the
            transaction, as in MySQL. A table is then created, and gets its new columns,
            before the transaction: others may see it without the rows.
    """

    begin: str = "BEGIN"
    placeholder: str = "?"
    key_type: str = "TEXT"
    load_rows: int = 10_000
    row_order: str = ""
    max_name_bytes: int = 0
    ddl_commits: bool = False

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

    def column_type(self, name: str, dtype: pl.DataType) -> str:
        """Return the type of a column of the table.

        Raises:
            SettingsError: The database cannot store such values.
        """
        if name in (SOURCE_KEY, VERSION):
            return self.key_type
        if name in self.key and dtype == pl.String:
            return self.key_type
        return self.sql_type(dtype)

    def staged_type(self, name: str, dtype: pl.DataType) -> str:
        """Return the type of a column of the table that `load` fills.

        If it is not the type of the table's column, the database casts each value.
        """
        return self.column_type(name, dtype)

    def cast(self, name: str, kind: str) -> str:
        """Return an expression that converts a staged column to a type."""
        return f"CAST({self.quote(name)} AS {kind})"

    def accepts(self, found: str, name: str, dtype: pl.DataType) -> bool:
        """Return whether a column of the table keeps values of another type.

        Args:
            found: Type that the column has, as `columns` returns it.
            name: Name of the column.
            dtype: Type of the report's values.
        """
        return False

    def encode(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return a frame with the values that `load` passes to the database.

        Raises:
            SettingsError: The database cannot keep a value. The message names the
                column.
        """
        return encoded(frame)

    def moment(self, at: datetime, dtype: pl.DataType = MOMENT) -> str:
        """Return a moment as an SQL literal, in the form of `encode`."""
        frame = pl.DataFrame({"at": [at]}, schema={"at": dtype})
        return f"'{encoded(frame).item()}'"

    def quote(self, name: str) -> str:
        """Return a name as a quoted identifier."""
        return '"' + name.replace('"', '""') + '"'

    def split(self, table: str) -> tuple[str, ...]:
        """Return the parts of a table's name: its schema, if there is one, and it.

        In a database without schemas, a dot is part of a name.
        """
        return (table,)

    def quote_table(self, table: str) -> str:
        """Return the name of a table, with its schema, as quoted identifiers."""
        return ".".join(map(self.quote, self.split(table)))

    def beside(self, name: str) -> str:
        """Return the name of a table in the schema of the sink's table.

        The result is in the form of the setting `table`.
        """
        return name

    @property
    def key(self) -> Sequence[str]:
        """Columns that identify a row: the primary key if set, or the source key."""
        return tuple(self.settings.primary_key) or (SOURCE_KEY,)

    def load(self, cursor: Any, table: str, frame: pl.DataFrame) -> None:
        """Insert all rows of a frame, whose columns are the table's, in their order.

        Args:
            cursor: Cursor of the connection.
            table: Temporary table, which needs no quotes.
            frame: Rows as `encode` has returned them, at most `load_rows`.
        """
        places = ", ".join([self.placeholder] * frame.width)
        cursor.executemany(f"INSERT INTO {table} VALUES ({places})", frame.rows())

    def read(
        self, cursor: Any, table: str, columns: Mapping[str, pl.DataType], rows: int
    ) -> Iterator[pl.DataFrame]:
        """Yield the rows of a table, in frames of at most about `rows` rows.

        Args:
            cursor: Cursor of the connection.
            table: Table, quoted.
            columns: Columns to read and their types; at least one.
            rows: Number of rows.
        """
        cursor.execute(f"SELECT {', '.join(map(self.quote, columns))} FROM {table}")
        while fetched := cursor.fetchmany(rows):
            yield decoded_rows(columns, fetched)

    def upsert_sql(
        self, table: str, source: str, columns: Sequence[str], condition: str
    ) -> str:
        """Return a statement that inserts rows, or updates those that are not newer.

        Args:
            table: Table to write to, quoted.
            source: Table of the new rows, one row for each key.
            columns: Columns of both tables, not quoted.
            condition: Condition on the new rows.
        """
        version, names = self.quote(VERSION), list(map(self.quote, columns))
        listed = ", ".join(names)
        values = ", ".join(f"{name} = excluded.{name}" for name in names)
        return (
            f"INSERT INTO {table} ({listed}) SELECT {listed} FROM {source}"
            f" WHERE {condition} ON CONFLICT ({', '.join(map(self.quote, self.key))})"
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
