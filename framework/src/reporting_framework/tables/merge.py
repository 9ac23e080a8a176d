"""Commit of staged rows to a table, in the SQL of its database.

Staged rows are first loaded into a temporary table. One transaction then begins with an
update of the table's row in the state table. Every run takes this lock, so later
decisions of the transaction are based on the table that it writes.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from reporting_framework.plugin_api.records import (
    DELETED_AT,
    SOURCE_KEY,
    VERSION,
    CommitContext,
    UpsertCounts,
)
from reporting_framework.tables.loading import SEEN
from reporting_framework.tables.table_columns import (
    check_alone,
    definitions,
    missing_columns,
)

if TYPE_CHECKING:
    from reporting_framework.plugin_api.records import WriteMode
    from reporting_framework.tables.dialect import Database
    from reporting_framework.tables.session import Session

STATE = "_reporting_state"
"""Table with a row for each table: number of commits, and source state."""

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
    """

    changed: bool
    rows: int
    added: int
    kept: int
    upserted: UpsertCounts | None = None
    version: int | None = None
    overtaken: bool = False


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
        self._table, self._key = sink.quote(self._name), sink.quote(SOURCE_KEY)
        self._version, self._deleted = sink.quote(VERSION), sink.quote(DELETED_AT)
        self._hard = sink.settings.deletes == "hard"
        self._overtaken_from: datetime | None = None

    def merge(
        self, source: str, context: CommitContext, opened: int | None
    ) -> MergeResult:
        """Commit the loaded rows and the state.

        Args:
            source: Temporary table with one row for each source key.
            context: Further data of the commit.
            opened: Number of commits to the table at the time of `open`.

        Raises:
            SettingsError: The table is written under another name, too.
        """
        database = self._database
        with database.transaction(self._sink.begin) as transaction:
            before = self._lock()
            exists = bool(self._sink.columns(database.cursor, self._name))
            if exists and before is None:
                names = database.rows(f"SELECT name FROM {STATE}")
                check_alone(self._sink, (name for (name,) in names))
            if not exists:  # what is there is the state of one that is gone
                database.run(
                    f"UPDATE {STATE} SET state = NULL WHERE name = ?", self._name
                )
            lost = (before if exists else None) != opened
            self._overtaken_from = context.at if lost else None
            stated = context.state is not None and not lost
            staged = database.number(f"SELECT count(*) FROM {source}")
            merged = MergeResult(False, 0, 0, 0, self._nothing())
            if staged or exists or stated:
                self._create(exists=exists)
                inferred = context.snapshot and not lost
                merged = self._merge(source, context._replace(snapshot=inferred))
            if stated:
                statement = f"UPDATE {STATE} SET state = ? WHERE name = ?"
                database.run(statement, json.dumps(context.state), self._name)
                merged = merged._replace(changed=True)
            transaction.changed = merged.changed
            unchanged = before if exists else None
            version = (before or 0) + 1 if merged.changed else unchanged
            return merged._replace(version=version, overtaken=lost)

    # -- the table ---------------------------------------------------------------------

    def _lock(self) -> int | None:
        """Lock the table for other runs, and return its number of commits."""
        database = self._database
        if not self._sink.columns(database.cursor, STATE):
            text, whole = self._sink.key_type, self._sink.sql_type(pl.String())
            database.run(
                f"CREATE TABLE IF NOT EXISTS {STATE}"
                f" (name {text} PRIMARY KEY, version BIGINT NOT NULL, state {whole})"
            )
        database.run(
            f"UPDATE {STATE} SET version = version + 1 WHERE name = ?", self._name
        )
        rows = database.rows(f"SELECT version FROM {STATE} WHERE name = ?", self._name)
        if rows:
            return int(rows[0][0]) - 1
        database.run(f"INSERT INTO {STATE} (name, version) VALUES (?, 1)", self._name)
        return None

    def _create(self, *, exists: bool) -> None:
        """Create the table, or add the columns that it lacks."""
        if exists:
            for name in missing_columns(self._sink, self._database, self._schema):
                column = definitions(self._sink, {name: self._schema[name]})
                self._database.run(f"ALTER TABLE {self._table} ADD COLUMN {column}")
        else:
            columns = definitions(self._sink, self._schema)
            self._database.run(
                f"CREATE TABLE {self._table} ({columns}, PRIMARY KEY ({self._key}))"
            )

    # -- the rows ----------------------------------------------------------------------

    def _merge(self, source: str, context: CommitContext) -> MergeResult:
        if self._mode == "append":
            return self._append(source)
        if self._mode == "replace":
            return self._replace(source)
        return self._upsert(source, self._delete_unseen(context))

    def _nothing(self) -> UpsertCounts | None:
        return UpsertCounts() if self._mode == "upsert" else None

    def _append(self, source: str) -> MergeResult:
        """Insert rows with source keys that the table does not have."""
        self._database.run(
            f"DELETE FROM {source} WHERE EXISTS (SELECT 1 FROM {self._table} AS t"
            f" WHERE t.{self._key} = {source}.{self._key})"
        )
        new = self._database.number(f"SELECT count(*) FROM {source}")
        self._insert(source)
        rows = self._database.number(f"SELECT count(*) FROM {self._table}")
        return MergeResult(bool(new), rows, new, new)

    def _replace(self, source: str) -> MergeResult:
        """Replace the table with the rows."""
        self._database.run(f"DELETE FROM {self._table}")
        self._insert(source, f"{self._deleted} IS NULL")
        rows = self._database.number(f"SELECT count(*) FROM {self._table}")
        return MergeResult(True, rows, rows, rows)

    def _insert(self, source: str, condition: str = "1 = 1") -> None:
        columns = ", ".join(map(self._sink.quote, self._schema))
        self._database.run(
            f"INSERT INTO {self._table} ({columns})"
            f" SELECT {columns} FROM {source} WHERE {condition}"
        )

    def _upsert(self, source: str, unseen: int) -> MergeResult:
        """Apply the newest version of each source key."""
        rows = self._database.rows(
            f"SELECT {self._kind('s')} AS kind, count(*) FROM {source} AS s"
            f" LEFT JOIN {self._table} AS t ON t.{self._key} = s.{self._key} GROUP BY 1"
        )
        kinds = {kind: int(number) for kind, number in rows}
        stay = {"older", "unchanged", "deleted before"}
        if kinds.keys() & stay:
            self._database.run(
                f"DELETE FROM {source} WHERE EXISTS (SELECT 1 FROM {self._table} AS t"
                f" WHERE t.{self._key} = {source}.{self._key} AND {self._kind(source)}"
                " IN ('older', 'unchanged', 'deleted before'))"
            )
        self._write(source)
        purged = self._purge()
        counts = UpsertCounts(
            inserted=kinds.get("inserted", 0),
            updated=kinds.get("updated", 0),
            unchanged=kinds.get("unchanged", 0),
            deleted=kinds.get("deleted", 0) + unseen,
        )
        live = f"SELECT count(*) FROM {self._table} WHERE {self._deleted} IS NULL"
        return MergeResult(
            bool(
                unseen
                or purged
                or kinds.keys() - {"older", "unchanged", "deleted before"}
            ),
            self._database.number(live),
            counts.inserted,
            counts.inserted + counts.updated + counts.unchanged,
            counts,
        )

    def _kind(self, s: str) -> str:
        """Return an expression that classifies a staged row `s` against its row `t`.

        A row stays deleted in the version in which the source has deleted it. Such a
        delete is a row of nulls; a delete that a snapshot has implied keeps the values.

        After a lost race, a row stays deleted if another run has deleted it since this
        run began, and this run has read the version that was deleted.
        """
        version, deleted = self._version, self._deleted
        same = " AND ".join(
            f"({s}.{name} = t.{name} OR ({s}.{name} IS NULL AND t.{name} IS NULL))"
            for name in map(self._sink.quote, self._schema)
        )

        def either(live: str, gone: str, of: str) -> str:
            return f"CASE WHEN {of}.{deleted} IS NULL THEN {live} ELSE {gone} END"

        values = [
            f"t.{self._sink.quote(name)} IS NULL"
            for name in self._schema
            if name not in (SOURCE_KEY, *VERSION_COLUMNS)
        ]
        revived = ""
        if values:
            revived = (
                f" WHEN {s}.{deleted} IS NULL AND t.{deleted} IS NOT NULL"
                f" AND {s}.{version} = t.{version} AND {' AND '.join(values)}"
                " THEN 'older'"
            )
        if self._overtaken_from is not None:  # it was read before it was deleted
            revived += (
                f" WHEN {s}.{deleted} IS NULL AND t.{deleted} >"
                f" {_literal(self._overtaken_from)} AND ({s}.{version} = t.{version}"
                f" OR ({s}.{version} IS NULL AND t.{version} IS NULL)) THEN 'older'"
            )
        kept = either("'unchanged'", "'deleted before'", s)
        written = either(
            either("'updated'", "'inserted'", "t"),
            either("'deleted'", "'tombstone'", "t"),
            s,
        )
        return (
            f"CASE WHEN t.{self._key} IS NULL"
            f" THEN {either(repr('inserted'), repr('tombstone'), s)}{revived}"
            f" WHEN t.{version} IS NULL OR {s}.{version} >= t.{version}"
            f" THEN CASE WHEN {same} THEN {kept} ELSE {written} END"
            " ELSE 'older' END"
        )

    def _write(self, source: str) -> None:
        """Write the staged rows that are left."""
        condition = "1 = 1"
        if self._hard:
            condition = f"{self._deleted} IS NULL"
            self._database.run(
                f"DELETE FROM {self._table} WHERE {self._key} IN (SELECT {self._key}"
                f" FROM {source} WHERE {self._deleted} IS NOT NULL)"
            )
        self._database.run(
            self._sink.upsert_sql(self._table, source, list(self._schema), condition)
        )

    def _purge(self) -> int:
        """Remove rows that were marked as deleted earlier; return their number."""
        if not self._hard:
            return 0
        number = self._database.number(
            f"SELECT count({self._deleted}) FROM {self._table}"
        )
        if number:
            self._database.run(
                f"DELETE FROM {self._table} WHERE {self._deleted} IS NOT NULL"
            )
        return number

    def _delete_unseen(self, context: CommitContext) -> int:
        """Delete rows that the source no longer has, and return their number."""
        if not context.snapshot:
            return 0
        unseen = (
            f"{self._deleted} IS NULL AND NOT EXISTS (SELECT 1 FROM {SEEN}"
            f" WHERE {SEEN}.name = {self._table}.{self._key})"
        )
        number = self._database.number(
            f"SELECT count(*) FROM {self._table} WHERE {unseen}"
        )
        if number and self._hard:
            self._database.run(f"DELETE FROM {self._table} WHERE {unseen}")
        elif number:
            at = _literal(context.at or datetime.now(UTC))
            self._database.run(
                f"UPDATE {self._table} SET {self._deleted} = {at} WHERE {unseen}"
            )
        return number


def _literal(moment: datetime) -> str:
    """Return a moment as an SQL literal, in the form of `encoded`."""
    return f"'{moment.astimezone(UTC).isoformat(timespec='microseconds')}'"
