"""Staged rows in temporary tables of the database.

Only the connection sees these tables, and they end with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from reporting_framework.errors import SettingsError
from reporting_framework.plugin_api.records import DELETED_AT, SOURCE_KEY, VERSION

if TYPE_CHECKING:
    from reporting_framework.tables.dialect import Database
    from reporting_framework.tables.session import Session

INTERNAL = "_reporting_"
"""Prefix of the names of tables and columns for internal use."""

STAGED, LATEST = "_reporting_staged", "_reporting_latest"
UNIQUE = "_reporting_unique"
READ, SEEN = "_reporting_read", "_reporting_seen"
ORDER = "_reporting_order"
RANK = "_reporting_rank"


_numbers = count()


class Loaded(NamedTuple):
    """Temporary tables of the staged rows.

    Attributes:
        records: Table with one row for each source key.
        rows: Table with one row for each primary key, and the deleted records.
    """

    records: str
    rows: str


class StagedRows(NamedTuple):
    """Rows of one staged part.

    Attributes:
        path: File of the rows.
        rows: Number of rows, without deleted records.
    """

    path: Path
    rows: int


def create_staged(sink: Database, database: Session, schema: pl.Schema) -> None:
    """Create the temporary table of staged rows."""
    columns = ", ".join(
        f"{sink.quote(name)} {sink.staged_type(name, dtype)}"
        for name, dtype in schema.items()
    )
    if not sink.row_order:
        columns += f", {ORDER} {sink.sql_type(pl.Int64())}"
    database.run(f"CREATE TEMPORARY TABLE {STAGED} ({columns})")


def load(
    sink: Database,
    database: Session,
    schema: pl.Schema,
    types: Mapping[str, str],
    files: Sequence[Path],
) -> Loaded:
    """Load staged frames, and return the names of their temporary tables.

    Each source key has one row, in its newest version; without versions, the row that
    was staged first. With a primary key, each of these has one row, too.

    Args:
        sink: Sink with the SQL dialect.
        database: Session in which `create_staged` was called.
        schema: Columns of the staged frames.
        types: Types of the table's columns.
        files: Staged frames, in the order of the commit.

    Raises:
        SettingsError: A value cannot be kept, or a column of the primary key is null.
    """
    at = 0
    for path in files:
        with path.open("rb") as file:  # of a path polars would take some for a pattern
            frame = sink.encode(pl.read_ipc(file))
        if not sink.row_order:
            order = pl.int_range(at, at + frame.height).alias(ORDER)
            frame = frame.with_columns(order)
        for rows in frame.iter_slices(sink.load_rows):
            sink.load(database.cursor, STAGED, rows)
        at += frame.height
    return _Unique(sink, database, schema, types).tables()


def unique_rows(
    sink: Database, database: Session, schema: pl.Schema, records: str
) -> Loaded:
    """Return records of which some were removed, with one row for each primary key.

    Args:
        sink: Sink with the SQL dialect.
        database: Session in which the records were loaded.
        schema: Columns of the records.
        records: Table of the records.
    """
    table = f"{UNIQUE}_{next(_numbers)}"  # an attempt that failed may have left one
    return _Unique(sink, database, schema, {}).by_primary_key(records, table)


class _Unique(NamedTuple):
    """Staged rows, of which those are left out that another one replaces."""

    sink: Database
    database: Session
    schema: pl.Schema
    types: Mapping[str, str]

    def tables(self) -> Loaded:
        """Return the tables with one row for each key."""
        key = self.sink.quote(SOURCE_KEY)
        doubled = f"SELECT count(*) - count(DISTINCT {key}) FROM {STAGED}"
        source, repeated = STAGED, bool(self.database.number(doubled))
        values = {
            name: self.sink.quote(name)
            if (kind := self.types[name]) == self.sink.staged_type(name, dtype)
            else self.sink.cast(name, kind)
            for name, dtype in self.schema.items()
        }
        if repeated or any(self.sink.quote(name) != of for name, of in values.items()):
            self._keep(LATEST, STAGED, values, key if repeated else None)
            source = LATEST
        if tuple(self.sink.key) == (SOURCE_KEY,):
            return Loaded(source, source)
        self._check_keys(source)
        return self.by_primary_key(source, UNIQUE)

    @property
    def _live(self) -> str:
        return f"{self.sink.quote(DELETED_AT)} IS NULL"

    def _check_keys(self, source: str) -> None:
        live = self._live
        for name in self.sink.key:
            key = self.sink.quote(name)
            nulls = f"SELECT count(*) FROM {source} WHERE {live} AND {key} IS NULL"
            if number := self.database.number(nulls):
                raise SettingsError(
                    f"{self.sink.subject}: column {name} of primary_key is null in"
                    f" {number} rows; reject such rows with the validator, or give"
                    " another primary_key"
                )

    def by_primary_key(self, source: str, table: str) -> Loaded:
        """Return records with the table of those that have the newest of their key.

        Args:
            source: Table with one row for each source key.
            table: Name of the table that is created if a key has several records.
        """
        live = self._live
        listed = ", ".join(map(self.sink.quote, self.sink.key))
        repeated = (
            f"SELECT count(*) FROM (SELECT 1 AS one FROM {source} WHERE {live}"
            f" GROUP BY {listed} HAVING count(*) > 1) AS repeated"
        )
        if not self.database.number(repeated):
            return Loaded(source, source)
        own = f"CASE WHEN {live} THEN NULL ELSE {self.sink.quote(SOURCE_KEY)} END"
        same = {name: self.sink.quote(name) for name in self.schema}
        self._keep(table, source, same, f"{listed}, {own}")
        return Loaded(source, table)

    def _keep(
        self, table: str, source: str, values: Mapping[str, str], by: str | None
    ) -> None:
        """Create a table of the newest rows of each `by`, or of all rows."""
        columns = [f"{value} AS {self.sink.quote(n)}" for n, value in values.items()]
        listed = ", ".join([*columns, ORDER])
        whole, order = "s.*", ORDER
        if self.sink.row_order and source == STAGED:
            order = f"s.{self.sink.row_order}"
            whole += f", {order} AS {ORDER}"
        condition = ""
        if by is not None:
            whole += f", row_number() OVER (PARTITION BY {by} ORDER BY"
            whole += f" {self._order(order)}) AS {RANK}"
            condition = f" WHERE {RANK} = 1"
        self.database.run(
            f"CREATE TEMPORARY TABLE {table} AS SELECT {listed}"
            f" FROM (SELECT {whole} FROM {source} AS s) AS ranked{condition}"
        )

    def _order(self, order: str) -> str:
        if VERSION not in self.schema:
            return order
        version, deleted = self.sink.quote(VERSION), self.sink.quote(DELETED_AT)
        return (
            f"CASE WHEN {version} IS NULL THEN 1 ELSE 0 END, {version} DESC,"
            f" CASE WHEN {deleted} IS NULL OR {version} IS NULL THEN 1 ELSE 0 END,"
            f" {order} DESC"
        )


def load_seen(sink: Database, database: Session, read: Sequence[str]) -> None:
    """Load the source keys of all records that were read.

    Args:
        sink: Sink with the SQL dialect.
        database: Session in which `load` was called.
        read: Source keys of records that are not staged.
    """
    for start in range(0, len(read), sink.load_rows):
        keys = pl.DataFrame({"name": read[start : start + sink.load_rows]})
        sink.load(database.cursor, READ, keys)
    database.run(f"CREATE TEMPORARY TABLE {SEEN} (name {sink.key_type} PRIMARY KEY)")
    database.run(
        f"INSERT INTO {SEEN} SELECT {sink.quote(SOURCE_KEY)} FROM {STAGED}"
        f" UNION SELECT name FROM {READ}"
    )


def check_order(sink: Database, database: Session) -> None:
    """Check that the database compares source keys and versions by their bytes.

    Raises:
        SettingsError: The database would treat two source keys as equal, or an older
            version as newer.
    """
    database.run(f"CREATE TEMPORARY TABLE {READ} (name {sink.key_type})")
    sink.load(database.cursor, READ, pl.DataFrame({"name": ["a", "B", "A", "b "]}))
    query = f"SELECT name FROM {READ} WHERE name > 'B' AND name <> 'b' ORDER BY name"
    if [name for (name,) in database.rows(query)] != ["a", "b "]:
        raise SettingsError(
            f"{sink.subject}: the database does not compare texts of type"
            f" {sink.key_type} by their bytes; give `key_type` a collation that does"
        )
    database.run(f"DELETE FROM {READ}")
