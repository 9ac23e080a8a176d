"""Base class of the databases: their SQL, their catalogues and their snapshots."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, ClassVar, NamedTuple

import polars as pl

from reporting_framework import quote_identifier
from reporting_sql.columns import Column
from reporting_sql.connections import Connection, Limits, connect
from reporting_sql.errors import UNKNOWN, OperationalError, code_of
from reporting_sql.urls import DatabaseUrl

ALIAS = "reporting_t"
"""Alias of the table: a column of the result may have the name of another column."""


class Relation(NamedTuple):
    """Table, view or query in a database.

    Attributes:
        name: Name for messages and source keys.
        sql: The relation in SQL, after ``FROM``.
        id: Identifier in the catalogue; `None` for a query.
    """

    name: str
    sql: str
    id: Any = None


class Listed(NamedTuple):
    """Table or view in the list of all.

    Attributes:
        name: Name, with the schema unless it is the default one.
        is_base: Whether it is a table, and not a view.
        has_key: Whether it has a primary key.
    """

    name: str
    is_base: bool
    has_key: bool


class Keys(NamedTuple):
    """Keys of a table.

    Attributes:
        primary: Columns of the primary key, in its order; empty if there is none.
        unique: Columns of each unique index, with the value in SQL that the index
            compares: its collation may be another one than that of the column.
        complete: Whether the database keeps nulls and values of another type out of
            the primary key.
    """

    primary: list[str]
    unique: list[dict[str, str]]
    complete: bool = True


def indexes_of(rows: Iterable[tuple[Any, str, str]]) -> dict[Any, dict[str, str]]:
    """Return the columns of indexes as `Keys` has them, by index.

    Args:
        rows: Index, column, and the value in SQL that the index compares.
    """
    indexes: dict[Any, dict[str, str]] = {}
    for index, column, value in rows:
        indexes.setdefault(index, {})[column] = value
    return indexes


class Database(ABC):
    """A database: how it is opened, described and read.

    Attributes:
        shares_snapshots: Whether several connections can read one snapshot.

    Args:
        url: URL of the database.
        limits: Time limits of its connections.
    """

    shares_snapshots: ClassVar[bool] = False

    def __init__(self, url: DatabaseUrl, limits: Limits) -> None:
        self.url, self.limits = url, limits

    def open(self) -> Connection:
        """Open a connection that only reads; each statement is its own transaction."""
        return connect(self.url, self.limits, read_only=True)

    @abstractmethod
    def frame(
        self,
        connection: Connection,
        query: str,
        rows: int = 0,
        *,
        coded: bool = False,
    ) -> pl.DataFrame:
        """Return the result of a query.

        Args:
            connection: The connection.
            query: The query.
            rows: Number of rows that it returns at most, if known.
            coded: Whether any error must have its code, even if this takes longer.
        """

    def confirm(self, connection: Connection) -> None:
        """Check after a result that the connection and its transaction still work.

        Raises:
            Exception: They do not, so the result may have been cut. A connection that
                does not answer, or fails without a code, counts as lost.
        """
        try:
            answered = self.frame(connection, "SELECT 1 AS one").height == 1
        except Exception as error:
            if code_of(error) != UNKNOWN:
                raise
            answered = False
        if not answered:
            raise OperationalError("connection")

    # -- snapshots ---------------------------------------------------------------------

    @abstractmethod
    def begin(self, connection: Connection) -> Any:
        """Begin a snapshot, and return its token, `None` if others cannot join it."""

    def join(self, connection: Connection, token: Any) -> bool:
        """Begin a transaction with a snapshot of another connection.

        Return whether the snapshot still exists; otherwise the transaction has begun
        with a snapshot of its own.
        """
        self.begin(connection)
        return False

    # -- SQL ---------------------------------------------------------------------------

    def quote(self, name: str) -> str:
        """Return a name as a quoted identifier."""
        return quote_identifier(name)

    def literal(self, value: Any) -> str:
        """Return a value of a key or a cursor as a literal."""
        if isinstance(value, bytes):
            return self.binary(value)
        if isinstance(value, datetime):
            return self.text(self.moment(value))
        if isinstance(value, date):
            return self.text(value.isoformat())
        if isinstance(value, int | Decimal):
            return f"{value:f}" if isinstance(value, Decimal) else str(value)
        return self.text(str(value))

    def moment(self, value: datetime) -> str:
        """Return a time as text; a time with a zone is converted to UTC."""
        if value.tzinfo:
            value = value.astimezone(UTC).replace(tzinfo=None)
        return value.isoformat(" ", "microseconds")

    @abstractmethod
    def text(self, value: str) -> str:
        """Return a text as a literal."""

    def binary(self, value: bytes) -> str:
        """Return bytes as a literal."""
        return f"X'{value.hex()}'"

    # -- catalogue ---------------------------------------------------------------------

    @abstractmethod
    def relation(self, connection: Connection, name: str) -> Relation | None:
        """Return a table or view by its name in settings; `None` if there is none."""

    @abstractmethod
    def tables(self, connection: Connection) -> list[Listed]:
        """Return all tables and views that can be read, by schema and name."""

    @abstractmethod
    def columns(self, connection: Connection, relation: Relation) -> list[Column]:
        """Return the columns of a relation; `dtype` is `pl.Null` if none fits."""

    def ordered(
        self, connection: Connection, relation: Relation, columns: Sequence[Column]
    ) -> Sequence[Column]:
        """Return columns of a key or a cursor, with the types that their values have.

        Args:
            connection: The connection.
            relation: The relation.
            columns: Some of the columns that `columns` returned.
        """
        return columns

    def keys(self, connection: Connection, relation: Relation) -> Keys:
        """Return the keys of a relation; a query has none."""
        if relation.id is None:
            return Keys([], [])
        return self.keys_of_table(connection, relation)

    @abstractmethod
    def keys_of_table(self, connection: Connection, relation: Relation) -> Keys:
        """Return the keys of a table or view."""
