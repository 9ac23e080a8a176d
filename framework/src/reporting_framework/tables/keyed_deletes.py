"""Deletes of a table whose rows have a primary key of their own.

A source says by source key what it has deleted, so the row with that source key is
deleted. A row is also deleted if its source key now has another primary key.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, NamedTuple

from reporting_framework.plugin_api.records import DELETED_AT, SOURCE_KEY, VERSION
from reporting_framework.tables.loading import INTERNAL

if TYPE_CHECKING:
    import polars as pl

    from reporting_framework.tables.dialect import Database
    from reporting_framework.tables.loading import Loaded
    from reporting_framework.tables.session import Session

_numbers = count()


def has_no_values(sink: Database, schema: pl.Schema, rows: str) -> str:
    """Return a condition that a row has only a key, so that a delete looks like it.

    If such a row is deleted, but not by its source, it loses its version: a version
    beside nulls says that the source has deleted the record in this version.

    Args:
        sink: Sink with the SQL dialect.
        schema: Columns of the table.
        rows: Table of the rows, or its alias.
    """
    own = (SOURCE_KEY, VERSION, DELETED_AT, *sink.key)
    values = [
        f"{rows}.{sink.quote(name)} IS NULL" for name in schema if name not in own
    ]
    return f"({' AND '.join(values)})" if values else "1 = 0"


class KeyedDeletes(NamedTuple):
    """Statements that delete rows by their source keys.

    Attributes:
        sink: Sink with the SQL dialect.
        database: Session of the statements.
        schema: Columns of the table.
        loaded: Temporary tables of the staged rows; deleted records are removed from
            its `rows`.
        at: Moment of the run, as a literal.
    """

    sink: Database
    database: Session
    schema: pl.Schema
    loaded: Loaded
    at: str

    def apply(self) -> int:
        """Delete rows, and return their number.

        A row that its record has left, and that the same commit writes from another
        record, is not deleted: it loses its version, so that the other record is newer.
        """
        number = 0
        self._release()
        left = self._left()
        if self.database.number(f"SELECT count(*) FROM {left}"):
            self._give_way(left)
            unclaimed = self._unclaimed(left)
            if number := self.database.number(f"SELECT count(*) FROM {unclaimed}"):
                self._delete(unclaimed)
        deleted = self.sink.quote(DELETED_AT)
        rows = f"FROM {self.loaded.rows} WHERE {deleted} IS NOT NULL"
        if self.database.number(f"SELECT count(*) {rows}"):
            self.database.run(f"DELETE {rows}")
        return number

    def _temporary(self) -> str:
        """Return a new name, as a transaction that is retried may leave a table."""
        return f"{INTERNAL}keys_{next(_numbers)}"

    @property
    def _table(self) -> str:
        return self.sink.quote_table(self.sink.settings.table)

    def _same(self, one: str, other: str) -> str:
        names = map(self.sink.quote, self.sink.key)
        return " AND ".join(f"{one}.{name} = {other}.{name}" for name in names)

    def _left(self) -> str:
        """Return a table of rows whose records are deleted or have another key now.

        It has the columns of the new records, and the keys of the rows that they left.
        """
        source, version, deleted = map(
            self.sink.quote, (SOURCE_KEY, VERSION, DELETED_AT)
        )
        left = self._temporary()
        columns = ", ".join(
            f"{'t' if name in self.sink.key else 's'}.{quoted} AS {quoted}"
            for name in self.schema
            for quoted in [self.sink.quote(name)]
        )
        self.database.run(
            f"CREATE TEMPORARY TABLE {left} AS SELECT {columns}"
            f" FROM {self.loaded.records} AS s JOIN {self._table} AS t"
            f" ON t.{source} = s.{source} WHERE t.{deleted} IS NULL"
            f" AND (t.{version} IS NULL OR s.{version} >= t.{version})"
            f" AND (s.{deleted} IS NOT NULL OR NOT ({self._same('s', 't')}))"
        )
        return left

    def _give_way(self, left: str) -> None:
        """Take the version from rows that another record of the commit claims."""
        source, version, deleted = map(
            self.sink.quote, (SOURCE_KEY, VERSION, DELETED_AT)
        )
        self.database.run(
            f"UPDATE {self._table} SET {version} = NULL WHERE {deleted} IS NULL"
            f" AND {source} IN (SELECT l.{source} FROM {left} AS l"
            f" JOIN {self.loaded.rows} AS s ON {self._same('s', 'l')}"
            f" WHERE s.{deleted} IS NULL)"
        )

    def _release(self) -> None:
        """Take the version from deleted rows that another record of the commit claims.

        The delete of one record says nothing of another one with its primary key.
        """
        source, version, deleted = map(
            self.sink.quote, (SOURCE_KEY, VERSION, DELETED_AT)
        )
        keys = list(map(self.sink.quote, self.sink.key))
        claimed, listed = self._temporary(), ", ".join(keys)
        self.database.run(
            f"CREATE TEMPORARY TABLE {claimed} AS SELECT"
            f" {', '.join(f't.{key} AS {key}' for key in keys)}"
            f" FROM {self.loaded.rows} AS s JOIN {self._table} AS t"
            f" ON {self._same('s', 't')} WHERE t.{deleted} IS NOT NULL"
            f" AND s.{deleted} IS NULL AND s.{source} <> t.{source}"
        )
        if self.database.number(f"SELECT count(*) FROM {claimed}"):
            self.database.run(
                f"UPDATE {self._table} SET {version} = NULL"
                f" WHERE ({listed}) IN (SELECT {listed} FROM {claimed})"
            )

    def _unclaimed(self, left: str) -> str:
        """Return a table of the rows that no record of the commit claims."""
        source, deleted = self.sink.quote(SOURCE_KEY), self.sink.quote(DELETED_AT)
        unclaimed = self._temporary()
        self.database.run(
            f"CREATE TEMPORARY TABLE {unclaimed} AS SELECT l.* FROM {left} AS l"
            f" LEFT JOIN {self.loaded.rows} AS s ON {self._same('s', 'l')}"
            f" AND s.{deleted} IS NULL WHERE s.{source} IS NULL"
        )
        return unclaimed

    def _delete(self, rows: str) -> None:
        """Delete rows; each takes the version of its record, and nulls of a delete.

        So no older version of the record brings a row back that the record has left.
        A row that was left and has no values loses its version (`has_no_values`).
        """
        source, version, deleted = map(
            self.sink.quote, (SOURCE_KEY, VERSION, DELETED_AT)
        )
        if self.sink.settings.deletes == "hard":
            self.database.run(
                f"DELETE FROM {self._table} WHERE {deleted} IS NULL"
                f" AND {source} IN (SELECT {source} FROM {rows})"
            )
            return
        versions = self._temporary()  # MySQL reads a temporary table once a statement
        kind = self.sink.key_type
        self.database.run(
            f"CREATE TEMPORARY TABLE {versions}"
            f" ({source} {kind} PRIMARY KEY, {version} {kind})"
        )
        self.database.run(
            f"INSERT INTO {versions} SELECT {source}, MAX({version}) FROM {rows}"
            f" WHERE {deleted} IS NULL GROUP BY {source}"
        )
        empty = has_no_values(self.sink, self.schema, self._table)
        self.database.run(
            f"UPDATE {self._table} SET {version} = CASE WHEN {empty} THEN NULL ELSE"
            f" (SELECT {versions}.{version} FROM {versions}"
            f" WHERE {versions}.{source} = {self._table}.{source}) END,"
            f" {deleted} = {self.at}"
            f" WHERE {deleted} IS NULL"
            f" AND {source} IN (SELECT {source} FROM {rows} WHERE {deleted} IS NULL)"
        )
        gone = f"{deleted} IS NOT NULL"
        self.database.run(
            self.sink.upsert_sql(self._table, rows, list(self.schema), gone)
        )
