"""Base class of the databases that the sink writes to."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import polars as pl

from reporting_framework import SettingsError
from reporting_sql.connections import Limits
from reporting_sql.dialects.json_values import as_json, is_json, parts_of
from reporting_sql.dialects.table_names import quoted_name, split_name
from reporting_sql.urls import DatabaseUrl


class Dialect(ABC):
    """SQL of a database, where it differs from standard SQL; see `TableSink`.

    Attributes:
        begin: Statement that begins a transaction that writes.
        placeholder: Placeholder of a parameter.
        key_type: Type of texts that are compared by their bytes.
        part_type: The same for texts of a primary key, which may have several; empty:
            `key_type`.
        load_rows: Largest number of rows that `load` is given at once.
        row_order: Expression for the order of a temporary table's rows; empty: none.
        max_name_bytes: Longest name of a table or column; 0: no limit.
        ddl_commits: Whether statements that create a table end the transaction.
        has_schemas: Whether the name of a table may have a schema.

    Args:
        url: URL of the database.
        limits: Time limits of connections.
        subject: Subject of messages.
    """

    begin: str = "BEGIN"
    placeholder: str = "?"
    key_type: str = "TEXT"
    part_type: str = ""
    load_rows: int = 250_000
    row_order: str = ""
    max_name_bytes: int = 0
    ddl_commits: bool = False
    has_schemas: ClassVar[bool] = True

    def __init__(self, url: DatabaseUrl, limits: Limits, subject: str) -> None:
        self.url, self.limits, self.subject = url, limits, subject

    @abstractmethod
    def connect(self, *, write: bool) -> Any:
        """Return a connection; see `TableSink.connect`."""

    @abstractmethod
    def columns(self, cursor: Any, table: str) -> Mapping[str, str]:
        """Return the type of each column; see `TableSink.columns`."""

    @abstractmethod
    def sql_type(self, dtype: pl.DataType) -> str | None:
        """Return the type of a column, `None` if it cannot keep such values."""

    def staged_type(self, dtype: pl.DataType) -> str | None:
        """Return the type of a staged column, `None` if it is the column's type."""
        return None

    def accepts(self, found: str, needed: str, dtype: pl.DataType) -> bool:
        """Return whether a column of type `found` keeps values of a type."""
        return False

    def cast(self, column: str, kind: str) -> str:
        """Return an expression that converts a quoted column to a type."""
        return f"CAST({column} AS {kind})"

    def quote(self, name: str) -> str:
        """Return a name as a quoted identifier."""
        return '"' + name.replace('"', '""') + '"'

    def split(self, table: str) -> tuple[str, ...]:
        """Return the parts of a table's name."""
        return split_name(table, self.subject) if self.has_schemas else (table,)

    def beside(self, table: str, name: str) -> str:
        """Return the name of another table in the schema of a table."""
        schema = self.split(table)[:-1]
        return quoted_name(*schema, name) if self.has_schemas else name

    @abstractmethod
    def encode(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return a frame with values that `load` passes to the database."""

    @abstractmethod
    def load(self, cursor: Any, table: str, frame: pl.DataFrame) -> None:
        """Insert a frame into a temporary table."""

    @abstractmethod
    def read(
        self, cursor: Any, table: str, columns: Mapping[str, pl.DataType], rows: int
    ) -> Iterator[pl.DataFrame]:
        """Yield the rows of a quoted table."""

    def size(self, cursor: Any, table: str) -> int:
        """Return the size of a quoted table in bytes."""
        return 0

    def literal(self, text: str) -> str:
        """Return a moment in the form of ISO 8601, as a literal."""
        return f"'{text}'"

    def upsert_sql(
        self,
        table: str,
        source: str,
        columns: Sequence[str],
        condition: str,
    ) -> str | None:
        """Return a statement that upserts rows, `None` for that of standard SQL."""
        return None

    def check_microseconds(self, frame: pl.DataFrame, database: str) -> None:
        """Check that no time is more precise than a database keeps it.

        Args:
            frame: Rows that are loaded.
            database: Name of the database in the message.

        Raises:
            SettingsError: A time of a column is.
        """
        for name, dtype in frame.schema.items():
            precise = isinstance(dtype, pl.Datetime) and dtype.time_unit == "ns"
            if (precise or isinstance(dtype, pl.Time)) and (
                frame[name].to_physical() % 1000 != 0
            ).any():
                raise self.refuse(
                    name,
                    f"{database} keeps microseconds, and values are more precise; round"
                    " them with a transform",
                )

    def nested_as_json(
        self, frame: pl.DataFrame, kept: Sequence[str] = ()
    ) -> pl.DataFrame:
        """Return a frame whose nested columns are JSON, except some.

        Raises:
            SettingsError: JSON has no such value; it would become null.
        """
        nested = [
            name
            for name, dtype in frame.schema.items()
            if name not in kept and is_json(dtype)
        ]
        for name in nested:
            for part in parts_of(frame[name]):
                if part.dtype.is_float() and not part.is_finite().all():
                    raise self.refuse(
                        name,
                        "JSON has neither infinity nor a float that is not a number;"
                        " replace it with a transform",
                    )
        return frame.with_columns(as_json(pl.col(name)).alias(name) for name in nested)

    def refuse(self, name: str, problem: str) -> SettingsError:
        """Return the error for values of a column that cannot be kept."""
        return SettingsError(f"{self.subject}: column {name}: {problem}")
