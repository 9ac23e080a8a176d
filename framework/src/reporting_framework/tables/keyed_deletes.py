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
    from reporting_framework.tables.session import Session

_numbers = count()


class KeyedDeletes(NamedTuple):
    """Statements that delete rows by their source keys.

    Attributes:
        sink: Sink with the SQL dialect.
        database: Session of the statements.
        schema: Columns of the table.
        source: Temporary table with one row for each primary key; deleted records are
            removed from it.
        at: Moment of the run, as a literal.
    """

    sink: Database
    database: Session
    schema: pl.Schema
    source: str
    at: str

    def apply(self) -> int:
        """Delete rows, and return their number."""
        return self._deleted() + self._moved()

    def _temporary(self) -> str:
        """Return a new name, as a transaction that is retried may leave a table."""
        return f"{INTERNAL}keys_{next(_numbers)}"

    def _names(self) -> tuple[str, str, str, str]:
        quote = self.sink.quote
        table = self.sink.quote_table(self.sink.settings.table)
        return table, quote(SOURCE_KEY), quote(VERSION), quote(DELETED_AT)

    def _deleted(self) -> int:
        """Apply the deletes that the source has delivered."""
        table, key, version, deleted = self._names()
        run, is_newer = self.database.run, f"s.{version} >= t.{version}"
        staged = f"SELECT count(*) FROM {self.source} WHERE {deleted} IS NOT NULL"
        if not self.database.number(staged):
            return 0
        gone = self._temporary()
        run(
            f"CREATE TEMPORARY TABLE {gone} AS SELECT s.{key} AS name, s.{version} AS"
            f" at_version, s.{deleted} AS deleted_at FROM {self.source} AS s JOIN"
            f" {table} AS t ON t.{key} = s.{key} WHERE s.{deleted} IS NOT NULL AND"
            f" t.{deleted} IS NULL AND (t.{version} IS NULL OR {is_newer})"
        )
        number = self.database.number(f"SELECT count(*) FROM {gone}")
        others = [
            f"{self.sink.quote(name)} = NULL"
            for name in self.schema
            if name not in (SOURCE_KEY, VERSION, DELETED_AT, *self.sink.key)
        ]
        for column, value in ((version, "at_version"), (deleted, "deleted_at")):
            of = f"SELECT {value} FROM {gone} WHERE {gone}.name = {table}.{key}"
            others.append(f"{column} = ({of})")
        self._remove(gone, ", ".join(others))
        run(f"DELETE FROM {self.source} WHERE {deleted} IS NOT NULL")
        return number

    def _moved(self) -> int:
        """Delete rows whose source keys now have other primary keys.

        A row that the same commit writes with another source key is left out.
        """
        table, key, version, deleted = self._names()
        keys = list(map(self.sink.quote, self.sink.key))
        same = " AND ".join(f"s.{name} = t.{name}" for name in keys)
        listed = ", ".join(f"t.{name}" for name in keys)
        moved, left = self._temporary(), self._temporary()
        self.database.run(
            f"CREATE TEMPORARY TABLE {moved} AS SELECT t.{key} AS {key}, {listed} FROM"
            f" {self.source} AS s JOIN {table} AS t ON t.{key} = s.{key} WHERE NOT"
            f" ({same}) AND t.{deleted} IS NULL"
            f" AND (t.{version} IS NULL OR s.{version} >= t.{version})"
        )
        if not self.database.number(f"SELECT count(*) FROM {moved}"):
            return 0
        self.database.run(
            f"CREATE TEMPORARY TABLE {left} AS SELECT t.{key} AS name FROM {moved} AS t"
            f" LEFT JOIN {self.source} AS s ON {same} WHERE s.{key} IS NULL"
        )
        number = self.database.number(f"SELECT count(*) FROM {left}")
        self._remove(left, f"{deleted} = {self.at}")
        return number

    def _remove(self, names: str, changes: str) -> None:
        table, key, *_ = self._names()
        condition = f"{key} IN (SELECT name FROM {names})"
        if self.sink.settings.deletes == "hard":
            self.database.run(f"DELETE FROM {table} WHERE {condition}")
        else:
            self.database.run(f"UPDATE {table} SET {changes} WHERE {condition}")
