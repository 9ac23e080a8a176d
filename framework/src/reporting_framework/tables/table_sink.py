"""Base class of sinks that are tables of a database.

Authors implement the connection. The base class implements staging, deduplication, the
rules of the write modes, the source state, the ledger and queries, in SQL that SQLite,
PostgreSQL and DuckDB have in common.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

import polars as pl
from typing_extensions import override

from reporting_framework.errors import CorruptCheckpoint, SettingsError
from reporting_framework.plugin_api.records import (
    DELETED_AT,
    ROWS_ONLY,
    CommitContext,
    CommitResult,
    Split,
    StagedPart,
    StoredArtifact,
    UpsertCounts,
    WriteMode,
)
from reporting_framework.plugin_api.result import Output
from reporting_framework.storage import commit_attempts
from reporting_framework.tables.dialect import Database
from reporting_framework.tables.ledger import TableLedger
from reporting_framework.tables.loading import (
    StagedRows,
    check_order,
    create_staged,
    load,
    load_seen,
)
from reporting_framework.tables.maintenance import TableMaintenance
from reporting_framework.tables.merge import (
    VERSION_COLUMNS,
    MergeResult,
    TableMerge,
)
from reporting_framework.tables.reading import TableReader
from reporting_framework.tables.session import (
    Session,
    lost_race,
    session,
)
from reporting_framework.tables.sink_settings import TableSinkSettings
from reporting_framework.tables.staging import StagedFrames
from reporting_framework.tables.table_columns import (
    STATE,
    check_columns,
    column_types,
    create_needed,
    missing_columns,
)
from reporting_framework.tables.values import decoded


class TableSink(Database):
    """Base class of sinks that are tables of a database.

    A sink needs `connect` and a subclass of `TableSinkSettings`. Override the other
    methods of `Database` if the SQL differs from standard SQL.
    """

    Settings: ClassVar[type[TableSinkSettings]] = TableSinkSettings
    write_modes = frozenset({"append", "upsert", "replace"})

    def __init__(self, settings: Any = None) -> None:
        super().__init__(settings)
        self._frames = StagedFrames()
        self._schema = pl.Schema()
        self._mode: WriteMode = "append"
        self._version: int | None = None

    # -- the sink ----------------------------------------------------------------------

    def open(
        self,
        schema: pl.Schema,
        mode: WriteMode = "append",
        primary_key: Sequence[str] = (),
    ) -> None:
        """See `Sink.open`; compares the columns with those of the table."""
        self._check_columns(schema, mode)
        self._schema, self._mode = schema, mode
        with session(self) as database:
            self._version = self._state(database)[0]
            if self._exists(database):
                create_needed(self, database, self._table_schema)
                missing_columns(self, database, self._table_schema)

    @classmethod
    @override
    def check_schema(
        cls, settings: Any, schema: pl.Schema, mode: WriteMode = "append"
    ) -> None:
        cls(settings)._check_columns(schema, mode)

    def _check_columns(self, schema: pl.Schema, mode: WriteMode) -> None:
        check_columns(self, schema, () if mode == "append" else VERSION_COLUMNS)
        if mode == "append" and self.settings.primary_key:
            raise SettingsError(
                f"{self.subject}: primary_key: with append, each source key is a row;"
                " set the mode to upsert or replace, or leave primary_key out",
                path=("primary_key",),
            )

    @property
    @override
    def row_key(self) -> Sequence[str]:
        return tuple(self.settings.primary_key)

    @property
    def _staged_schema(self) -> pl.Schema:
        if self._mode == "append":
            return self._schema
        return pl.Schema({**self._schema, **VERSION_COLUMNS})

    @property
    def _table_schema(self) -> pl.Schema:
        return self._staged_schema if self._mode == "upsert" else self._schema

    @property
    def _own(self) -> str:
        return self.split(self.settings.table)[-1]

    def _exists(self, database: Session) -> bool:
        return bool(self.columns(database.cursor, self.settings.table))

    def _state(self, database: Session) -> tuple[int | None, str | None]:
        """Return the number of commits to the table, and its state.

        Both are `None` if the table no longer exists, so that its rows are read again.
        """
        state = self.beside(STATE)
        if not (self._exists(database) and self.columns(database.cursor, state)):
            return None, None
        rows = database.rows(
            f"SELECT version, state FROM {self.quote_table(state)} WHERE name = ?",
            self._own,
        )
        return (int(rows[0][0]), rows[0][1]) if rows else (None, None)

    @override
    def load_state(self) -> Mapping[str, Any] | None:
        with session(self) as database:
            text = self._state(database)[1]
        try:
            state: Mapping[str, Any] | None = None if text is None else json.loads(text)
        except ValueError:
            raise CorruptCheckpoint(
                f"{self.subject}: the source state in {STATE} is not JSON; restore it,"
                " or delete it so that everything is read again"
            ) from None
        return state

    @override
    def ledger(self) -> TableLedger:
        with session(self) as database:
            exists = self._exists(database)
            rows = self._rows(database) if exists else 0
            newest = self.newest_of(database) if exists else None
        return TableLedger(self, rows, newest, exists=exists)

    def _rows(self, database: Session) -> int:
        return self._counts(database)[0]

    def _counts(self, database: Session) -> tuple[int, int]:
        """Return the number of rows, and of rows that are marked as deleted."""
        deleted = "0"
        if DELETED_AT in self.columns(database.cursor, self.settings.table):
            deleted = f"count({self.quote(DELETED_AT)})"
        table = self.quote_table(self.settings.table)
        rows, gone = database.rows(
            f"SELECT count(*) AS whole, {deleted} AS gone FROM {table}"
        )[0]
        return int(rows) - int(gone), int(gone)

    def newest_of(
        self, database: Session, until: datetime | None = None
    ) -> datetime | None:
        """Return the newest timestamp of the table, up to a moment if given."""
        name = self.settings.timestamp
        if name is None or name not in self.columns(
            database.cursor, self.settings.table
        ):
            return None
        table, column = self.quote_table(self.settings.table), self.quote(name)
        bound = ""
        if until is not None:
            bound = f" WHERE {column} <= {self.moment(until, self._schema[name])}"
        value = database.value(f"SELECT MAX({column}) FROM {table}{bound}")
        newest: datetime | None = decoded(name, [value], self._schema[name]).item()
        return newest.astimezone(UTC) if newest else None

    @override
    def stage(self, frame: pl.DataFrame, split: Split, part: int) -> StagedPart:
        rows = frame.height
        if self._mode != "append":
            rows = frame[DELETED_AT].null_count()
        staged = frame.select(self._staged_schema.names())
        return StagedPart(frame.height, StagedRows(self._frames.add(staged), rows))

    @override
    def commit(
        self,
        staged_parts: Sequence[StagedPart],
        context: CommitContext = ROWS_ONLY,
    ) -> CommitResult:
        snapshot = context.snapshot and self._mode == "upsert"
        context = context._replace(snapshot=snapshot)
        staged: list[StagedRows] = [part.data for part in staged_parts]
        write = bool(
            staged or snapshot or self._mode == "replace" or context.state is not None
        )
        with session(self, write=write) as database:
            if write:
                merged = self._merged(database, staged, context)
            else:
                merged = self._unchanged(database)
            self._version = merged.version
            output = Output(
                uri=self.location,
                rows=merged.rows,
                new_rows=merged.added,
                bytes=self.size(database.cursor),
                version=None if merged.version is None else str(merged.version),
                deleted_rows=merged.deleted_rows,
            )
            newest = self.newest_of(database)
        duplicates = sum(part.rows for part in staged) - merged.kept
        return CommitResult(
            [output],
            duplicates,
            newest,
            upserted=merged.upserted,
            overtaken=merged.overtaken,
        )

    def _unchanged(self, database: Session) -> MergeResult:
        rows, deleted = self._counts(database) if self._exists(database) else (0, 0)
        result = MergeResult(False, rows, 0, 0, version=self._state(database)[0])
        if self._mode != "upsert":
            return result
        return result._replace(upserted=UpsertCounts(), deleted_rows=deleted)

    def _merged(
        self, database: Session, staged: Sequence[StagedRows], context: CommitContext
    ) -> MergeResult:
        with database.transaction():
            check_order(self, database)
            create_needed(self, database, self._staged_schema)
            create_staged(self, database, self._staged_schema)
            types = column_types(self, database, self._staged_schema)
            files = [part.path for part in staged]
            loaded = load(self, database, self._staged_schema, types, files)
            if context.snapshot:
                load_seen(self, database, context.not_staged)
        merge = TableMerge(self, database, self._table_schema, self._mode)
        for _ in commit_attempts(self.subject):
            try:
                return merge.merge(loaded, context, self._version)
            except Exception as error:
                if not lost_race(self, error):
                    raise
        raise AssertionError  # pragma: no cover - the attempts end with an error

    def stored_artifacts(self) -> Sequence[StoredArtifact]:
        """See `Sink.stored_artifacts`: the table, if it exists."""
        with session(self) as database:
            if not self._exists(database):
                return []
            version, rows = self._state(database)[0], self._rows(database)
            size = self.size(database.cursor) or None
            newest = self.newest_of(database)
        label = None if version is None else str(version)
        return [StoredArtifact("output", self.location, rows, size, label, newest)]

    def back_up(
        self, stored_artifacts: Sequence[StoredArtifact], name: str
    ) -> Sequence[str]:
        """See `Sink.back_up`: a copy is another table of the same database."""
        with session(self, write=True) as database:
            care = TableMaintenance(self, database)
            return [care.back_up(artifact, name) for artifact in stored_artifacts]

    def remove(self, stored_artifacts: Sequence[StoredArtifact]) -> None:
        """See `Sink.remove`; the source state is removed with the table."""
        with session(self, write=True) as database:
            for artifact in stored_artifacts:
                TableMaintenance(self, database).remove(artifact)

    def restore_command(self, copy: str) -> str:
        """See `Sink.restore_command`: SQL statements."""
        with session(self) as database:
            return TableMaintenance(self, database).restore_command(copy)

    def output_versions(self) -> Mapping[str, str | None]:
        """Return the number of commits to the table, as this run has seen it."""
        version = self._version
        return {self.settings.table: None if version is None else str(version)}

    @override
    def close(self) -> None:
        self._frames.clear()

    def scan(self) -> pl.LazyFrame | None:
        """See `Sink.scan`; with `VERSION` and `DELETED_AT` if the table has them."""
        with session(self) as database:
            existing = self.columns(database.cursor, self.settings.table)
        if not existing:
            return None
        schema = pl.Schema(
            {
                **self._schema,
                **{
                    name: dtype
                    for name, dtype in VERSION_COLUMNS.items()
                    if name in existing
                },
            }
        )
        return TableReader(self, schema, existing).lazy()
