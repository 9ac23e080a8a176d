"""Upsert of loaded rows, in the transaction of a commit."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from reporting_framework.plugin_api.records import (
    DELETED_AT,
    SOURCE_KEY,
    VERSION,
    CommitContext,
    UpsertCounts,
)
from reporting_framework.tables.keyed_deletes import KeyedDeletes, has_no_values
from reporting_framework.tables.loading import SEEN, Loaded, unique_rows

if TYPE_CHECKING:
    import polars as pl

    from reporting_framework.tables.dialect import Database
    from reporting_framework.tables.session import Session

_STAY = {"older", "unchanged", "deleted before"}
"""Kinds of staged rows that change nothing."""


class TableUpsert:
    """Statements of one upsert.

    Args:
        sink: Sink with the SQL dialect.
        database: Session of the statements.
        schema: Columns of the table.
        context: Further data of the commit.
        lost: Whether another run has committed since `open`.
    """

    def __init__(
        self,
        sink: Database,
        database: Session,
        schema: pl.Schema,
        context: CommitContext,
        *,
        lost: bool,
    ) -> None:
        self._sink, self._database, self._schema = sink, database, schema
        self._table = sink.quote_table(sink.settings.table)
        self._keys = [sink.quote(name) for name in sink.key]
        self._version, self._deleted = sink.quote(VERSION), sink.quote(DELETED_AT)
        self._hard = sink.settings.deletes == "hard"
        self._at = sink.moment(context.at or datetime.now(UTC))
        self._snapshot = context.snapshot and not lost
        self._overtaken_from = context.at if lost else None

    def write(self, loaded: Loaded) -> tuple[UpsertCounts, bool]:
        """Apply the newest version of each key; return the counts and a change.

        Args:
            loaded: Temporary tables of the rows.
        """
        deleted = self._delete_unseen()
        if tuple(self._sink.key) != (SOURCE_KEY,):
            loaded = self._without_stale(loaded)
            keyed = KeyedDeletes(
                self._sink, self._database, self._schema, loaded, self._at
            )
            deleted += keyed.apply()
        source = loaded.rows
        kinds = self._kinds(source)
        if kinds.keys() & _STAY:
            self._database.run(
                f"DELETE FROM {source} WHERE EXISTS (SELECT 1 FROM {self._table} AS t"
                f" WHERE {self._same_key(source)} AND {self._kind(source)}"
                " IN ('older', 'unchanged', 'deleted before'))"
            )
        if kinds.keys() - _STAY:
            self._write(source)
        purged = self._purge()
        counts = UpsertCounts(
            inserted=kinds.get("inserted", 0),
            updated=kinds.get("updated", 0),
            unchanged=kinds.get("unchanged", 0),
            deleted=kinds.get("deleted", 0) + deleted,
        )
        return counts, bool(deleted or purged or kinds.keys() - _STAY)

    def _without_stale(self, loaded: Loaded) -> Loaded:
        """Return staged rows without records that the table has in a newer version.

        Such a record may have another primary key now, and must not come back with the
        one that it had. A record that it has replaced among the staged rows counts.
        """
        key = self._sink.quote(SOURCE_KEY)
        live = f"{loaded.records}.{self._deleted} IS NULL"
        stale = (
            f"FROM {loaded.records} WHERE {live} AND EXISTS (SELECT 1 FROM"
            f" {self._table} AS t WHERE t.{key} = {loaded.records}.{key}"
            f" AND (t.{self._version} > {loaded.records}.{self._version}"
            f" OR (t.{self._version} = {loaded.records}.{self._version}"
            f" AND {self._given_delete})))"
        )
        if not self._database.number(f"SELECT count(*) {stale}"):
            return loaded
        self._database.run(f"DELETE {stale}")
        if loaded.rows == loaded.records:
            return loaded
        return unique_rows(self._sink, self._database, self._schema, loaded.records)

    @property
    def _given_delete(self) -> str:
        """Condition that a row `t` is a delete that the source gave: one of nulls.

        It is compared by version, which other deletes of such a row do not keep.
        """
        empty = has_no_values(self._sink, self._schema, "t")
        return f"(t.{self._deleted} IS NOT NULL AND {empty})"

    def _same_key(self, s: str) -> str:
        return " AND ".join(f"t.{key} = {s}.{key}" for key in self._keys)

    def _kinds(self, source: str) -> dict[str, int]:
        """Return the number of staged rows of each kind."""
        rows = self._database.rows(
            f"SELECT {self._kind('s')} AS kind, count(*) AS number FROM {source} AS s"
            f" LEFT JOIN {self._table} AS t ON {self._same_key('s')} GROUP BY 1"
        )
        return {kind: int(number) for kind, number in rows}

    def _kind(self, s: str) -> str:
        """Return an expression that classifies a staged row `s` against its row `t`.

        A record stays deleted in the version in which the source has deleted it. Such a
        delete is a row of nulls with a version. A delete that a snapshot has implied
        keeps the values; if all are null, it loses its version.

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

        key = self._sink.quote(SOURCE_KEY)
        alive, own = f"{s}.{deleted} IS NULL", f"{s}.{key} = t.{key}"
        revived = (
            f" WHEN {alive} AND {own} AND {s}.{version} = t.{version}"
            f" AND {self._given_delete} THEN 'older'"
        )
        if self._overtaken_from is not None:  # it was read before it was deleted
            began = self._sink.moment(self._overtaken_from)
            revived += (
                f" WHEN {alive} AND {own} AND t.{deleted} > {began}"
                f" AND ({s}.{version} = t.{version}"
                f" OR ({s}.{version} IS NULL AND t.{version} IS NULL)) THEN 'older'"
            )
        kept = either("'unchanged'", "'deleted before'", s)
        written = either(
            either("'updated'", "'inserted'", "t"),
            either("'deleted'", "'tombstone'", "t"),
            s,
        )
        return (
            f"CASE WHEN t.{self._keys[0]} IS NULL"
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
            key = self._sink.quote(SOURCE_KEY)
            self._database.run(
                f"DELETE FROM {self._table} WHERE {key} IN (SELECT {key}"
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

    def _delete_unseen(self) -> int:
        """Delete rows that the source no longer has, and return their number."""
        if not self._snapshot:
            return 0
        unseen = (
            f"{self._deleted} IS NULL AND NOT EXISTS (SELECT 1 FROM {SEEN}"
            f" WHERE {SEEN}.name = {self._table}.{self._sink.quote(SOURCE_KEY)})"
        )
        number = self._database.number(
            f"SELECT count(*) FROM {self._table} WHERE {unseen}"
        )
        if number and self._hard:
            self._database.run(f"DELETE FROM {self._table} WHERE {unseen}")
        elif number:
            empty = has_no_values(self._sink, self._schema, self._table)
            self._database.run(
                f"UPDATE {self._table} SET {self._version} = CASE WHEN {empty}"
                f" THEN NULL ELSE {self._version} END, {self._deleted} = {self._at}"
                f" WHERE {unseen}"
            )
        return number
