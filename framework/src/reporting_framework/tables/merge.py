"""Commit of staged rows to a table, in the SQL of its database.

Staged rows are first loaded into a temporary table. One transaction then begins with an
update of the table's row in the state table. Every run takes this lock, so later
decisions of the transaction are based on the table that it writes.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from reporting_framework.plugin_api.records import (
    DELETED_AT,
    SOURCE_KEY,
    VERSION,
    CommitContext,
    UpsertCounts,
)
from reporting_framework.tables.loading import INTERNAL, Loaded
from reporting_framework.tables.table_columns import (
    STATE,
    check_alone,
    definitions,
    missing_columns,
)
from reporting_framework.tables.upserts import TableUpsert

if TYPE_CHECKING:
    from reporting_framework.plugin_api.records import WriteMode
    from reporting_framework.tables.dialect import Database
    from reporting_framework.tables.session import Session

VERSION_COLUMNS = pl.Schema(
    {VERSION: pl.String(), DELETED_AT: pl.Datetime("us", "UTC")}
)


class MergeResult(NamedTuple):
    """Result of a commit.

    Attributes:
        changed: Whether anything was written.
        rows: Number of rows that the table has now, without deleted rows.
        added: Number of rows that were inserted.
        kept: Number of staged rows that are in the table in this version.
        upserted: Counts of an ``upsert``.
        version: Number of commits to the table, `None` if there was none.
        overtaken: Whether another run has committed meanwhile.
        deleted_rows: Number of rows that are marked as deleted; `None` without
            ``upsert``.
    """

    changed: bool
    rows: int
    added: int
    kept: int
    upserted: UpsertCounts | None = None
    version: int | None = None
    overtaken: bool = False
    deleted_rows: int | None = None


class _Created(NamedTuple):
    """Table that was created before the transaction.

    Attributes:
        version: Number of commits to a table of its name before.
    """

    version: int | None


class TableMerge:
    """Statements of one commit.

    Args:
        sink: Sink with the SQL dialect.
        database: Session of the statements.
        schema: Columns that the table must have.
        mode: Write mode of the commit.
    """

    def __init__(
        self, sink: Database, database: Session, schema: pl.Schema, mode: WriteMode
    ) -> None:
        self._sink, self._database = sink, database
        self._schema, self._mode = schema, mode
        self._name = sink.settings.table
        self._own = sink.split(self._name)[-1]
        self._table, self._key = sink.quote_table(self._name), sink.quote(SOURCE_KEY)
        self._state = sink.quote_table(sink.beside(STATE))
        self._deleted = sink.quote(DELETED_AT)

    def merge(
        self, loaded: Loaded, context: CommitContext, opened: int | None
    ) -> MergeResult:
        """Commit the loaded rows and the state.

        Args:
            loaded: Temporary tables of the rows.
            context: Further data of the commit.
            opened: Number of commits to the table at the time of `open`.

        Raises:
            SettingsError: The table is written under another name, too.
        """
        database = self._database
        any_row = f"(SELECT 1 AS one FROM {loaded.rows} LIMIT 1) AS staged"
        staged = database.number(f"SELECT count(*) FROM {any_row}")
        early = None
        if self._sink.ddl_commits and (staged or context.state is not None):
            early = self._create_early()
        with database.transaction(self._sink.begin) as transaction:
            before = self._lock()
            present = bool(self._sink.columns(database.cursor, self._name))
            exists = present and not (early is not None and early.version == before)
            if exists and before is None:
                names = database.rows(f"SELECT name FROM {self._state}")
                check_alone(self._sink, (name for (name,) in names))
            if not exists:  # what is there is the state of one that is gone
                self._forget_state()
            lost = (before if exists else None) != opened
            stated = context.state is not None and not lost
            merged = self._nothing()
            if staged or exists or stated:
                self._create(exists=present)
                merged = self._merge(loaded, context, lost=lost)
            if stated:
                statement = f"UPDATE {self._state} SET state = ? WHERE name = ?"
                database.run(statement, json.dumps(context.state), self._own)
                merged = merged._replace(changed=True)
            transaction.changed = merged.changed
            unchanged = before if exists else None
            version = (before or 0) + 1 if merged.changed else unchanged
            return merged._replace(version=version, overtaken=lost)

    # -- the table ---------------------------------------------------------------------

    def _create_early(self) -> _Created | None:
        """Create or change the table before the transaction; see `ddl_commits`.

        Return the number of commits that it had if it was created.
        """
        database = self._database
        exists = bool(self._sink.columns(database.cursor, self._name))
        self._create_state()
        version = self._version()
        if not exists:  # else a process that is killed here would leave its state
            self._forget_state()
        self._create(exists=exists)
        return None if exists else _Created(version)

    def _create_state(self) -> None:
        database = self._database
        if not self._sink.columns(database.cursor, self._sink.beside(STATE)):
            text, whole = self._sink.key_type, self._sink.sql_type(pl.String())
            database.run(
                f"CREATE TABLE IF NOT EXISTS {self._state}"
                f" (name {text} PRIMARY KEY, version BIGINT NOT NULL, state {whole})"
            )

    def _forget_state(self) -> None:
        self._database.run(
            f"UPDATE {self._state} SET state = NULL WHERE name = ?", self._own
        )

    def _version(self) -> int | None:
        rows = self._database.rows(
            f"SELECT version FROM {self._state} WHERE name = ?", self._own
        )
        return int(rows[0][0]) if rows else None

    def _lock(self) -> int | None:
        """Lock the table for other runs, and return its number of commits."""
        self._create_state()
        self._database.run(
            f"UPDATE {self._state} SET version = version + 1 WHERE name = ?", self._own
        )
        version = self._version()
        if version is not None:
            return version - 1
        self._database.run(
            f"INSERT INTO {self._state} (name, version) VALUES (?, 1)", self._own
        )
        return None

    def _create(self, *, exists: bool) -> None:
        """Create the table, or add the columns that it lacks."""
        if exists:
            for name in missing_columns(self._sink, self._database, self._schema):
                column = definitions(self._sink, {name: self._schema[name]})
                self._database.run(f"ALTER TABLE {self._table} ADD COLUMN {column}")
        else:
            columns = definitions(self._sink, self._schema)
            keys = ", ".join(map(self._sink.quote, self._sink.key))
            self._database.run(
                f"CREATE TABLE {self._table} ({columns}, PRIMARY KEY ({keys}))"
            )
        if not exists and tuple(self._sink.key) != (SOURCE_KEY,):
            index = self._sink.quote(f"{INTERNAL}key_{_hash(self._own)}")
            self._database.run(f"CREATE INDEX {index} ON {self._table} ({self._key})")

    # -- the rows ----------------------------------------------------------------------

    def _merge(
        self, loaded: Loaded, context: CommitContext, *, lost: bool
    ) -> MergeResult:
        if self._mode == "append":
            return self._append(loaded.rows)
        if self._mode == "replace":
            return self._replace(loaded.rows)
        upsert = TableUpsert(
            self._sink, self._database, self._schema, context, lost=lost
        )
        return self._upserted(*upsert.write(loaded))

    def _nothing(self) -> MergeResult:
        nothing = MergeResult(False, 0, 0, 0)
        if self._mode != "upsert":
            return nothing
        return nothing._replace(upserted=UpsertCounts(), deleted_rows=0)

    def _append(self, source: str) -> MergeResult:
        """Insert rows with source keys that the table does not have."""
        self._database.run(
            f"DELETE FROM {source} WHERE EXISTS (SELECT 1 FROM {self._table} AS t"
            f" WHERE t.{self._key} = {source}.{self._key})"
        )
        new = self._database.number(f"SELECT count(*) FROM {source}")
        self._insert(source)
        rows = self._rows()
        return MergeResult(bool(new), rows, new, new)

    def _replace(self, source: str) -> MergeResult:
        """Replace the table with the rows."""
        self._database.run(f"DELETE FROM {self._table}")
        self._insert(source, f"{self._deleted} IS NULL")
        rows = self._rows()
        return MergeResult(True, rows, rows, rows)

    def _insert(self, source: str, condition: str = "1 = 1") -> None:
        columns = ", ".join(map(self._sink.quote, self._schema))
        self._database.run(
            f"INSERT INTO {self._table} ({columns})"
            f" SELECT {columns} FROM {source} WHERE {condition}"
        )

    def _rows(self) -> int:
        return self._database.number(f"SELECT count(*) FROM {self._table}")

    def _upserted(self, result: UpsertCounts, changed: bool) -> MergeResult:
        counts = f"count(*) AS whole, count({self._deleted}) AS gone"
        found = self._database.rows(f"SELECT {counts} FROM {self._table}")
        rows, deleted = map(int, found[0])
        return MergeResult(
            changed,
            rows - deleted,
            result.inserted,
            result.inserted + result.updated + result.unchanged,
            result,
            deleted_rows=deleted,
        )


def _hash(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:16]
