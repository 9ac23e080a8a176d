"""Sink ``parquet-checkpoint``, a sorted parquet file.

The file is its own ledger, and is replaced in one atomic write.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import polars as pl
from typing_extensions import override

from reporting_framework import (
    ROWS_ONLY,
    SOURCE_KEY,
    CommitContext,
    CommitResult,
    Split,
    StagedPart,
)
from reporting_framework.errors import (
    CommitConflict,
    CorruptCheckpoint,
    SettingsError,
    StorageUnavailable,
)
from reporting_framework.plugin_api.records import WriteMode
from reporting_framework.plugin_api.traffic import ContextThreads
from reporting_framework.storage import commit_attempts, row_versions, same_version
from reporting_object_store.parquet_sink.append import AppendCommit
from reporting_object_store.parquet_sink.checkpoint import Checkpoint
from reporting_object_store.parquet_sink.commit_results import Committed
from reporting_object_store.parquet_sink.file_commit import FileCommit
from reporting_object_store.parquet_sink.ledger import CheckpointLedger
from reporting_object_store.parquet_sink.maintenance import (
    MAX_WORKERS,
    CheckpointMaintenance,
)
from reporting_object_store.parquet_sink.piece_joining import join_pieces
from reporting_object_store.parquet_sink.repeated_keys import without_repeats
from reporting_object_store.parquet_sink.staging import (
    StagedFile,
    StagingArea,
)
from reporting_object_store.parquet_sink.state import decoded
from reporting_object_store.settings import ParquetCheckpointSettings

T = TypeVar("T")


class ParquetCheckpoint(CheckpointMaintenance):
    """Sink of one parquet file, or of one per combination of the columns in its key.

    The column `source_key` of the file is the ledger. A commit merges the staged rows
    into the version of the file that was read, and replaces the file only if it still
    has this version. Otherwise it reads the file again, leaves out rows that now exist,
    and merges again.

    A file of another schema, an older file or a file of another program, is read in the
    present columns. The next commit that adds rows writes it in these columns (see
    `SchemaMapping`).
    """

    def __init__(self, settings: ParquetCheckpointSettings) -> None:
        super().__init__(settings)
        self._files: dict[str, Checkpoint] = {}
        self._ledger: CheckpointLedger | None = None
        self._spool = StagingArea(self.timestamp)

    @override
    def open(
        self,
        schema: pl.Schema,
        mode: WriteMode = "append",
        primary_key: Sequence[str] = (),
    ) -> None:
        super().open(schema, mode, primary_key)
        self._spool.clear()
        self._spool = StagingArea(self.timestamp)

    @override
    def ledger(self) -> CheckpointLedger:
        with ContextThreads(MAX_WORKERS, thread_name_prefix="reporting-open") as pool:
            keys = list(self._keys())
            self._files = dict(zip(keys, pool.map(self._file_of, keys), strict=True))
        self._versions = {
            key: file.version
            for key, file in self._files.items()
            if file.version is not None
        }
        self._ledger = CheckpointLedger(
            [file for file in self._files.values() if file.version is not None]
        )
        return self._ledger

    @override
    def load_state(self) -> Mapping[str, Any] | None:
        if self.layout.columns:
            return self._state_file.load({*(self._files or self._keys())})
        key = self.layout.template
        file = self._files.get(key) or self._open(key)
        return None if file.state is None else decoded(file.uri, file.state)

    @property
    def schema(self) -> pl.Schema:
        """Columns of the table."""
        return self._schema

    def opened(self, key: str) -> Checkpoint:
        """Return the present version of a file."""
        return self._file_of(key)

    @override
    def stage(self, frame: pl.DataFrame, split: Split, part: int) -> StagedPart:
        rows, superseded = frame.height, 0
        if self._mode != "append":
            if self.timestamp == row_versions.VERSION_MOMENT:
                frame = row_versions.with_version_moments(frame)
            frame = row_versions.with_moments(frame, self.timestamp)
            frame, superseded = row_versions.newest_rows(frame)
        if frame[self.timestamp].null_count():
            raise SettingsError(
                f"sink {self.name}: column {self.timestamp} holds a null, and"
                " rows are sorted by it; let the validator require it, or name another"
                " column"
            )
        name, fresh = (
            f"{split.id}\0{part}",
            self._mode == "append"
            and self._ledger is not None
            and self._ledger.vouches(frame[SOURCE_KEY]),
        )
        staged = [
            self._spool.add(key, group, name, fresh=fresh)
            for key, group in self._by_file(frame)
        ]
        staged[0] = staged[0]._replace(superseded=superseded)
        return StagedPart(rows, tuple(staged))

    def _by_file(self, frame: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
        """Yield the key of each file that rows go to, with the rows."""
        columns = self.layout.columns
        if not columns or frame.is_empty():
            yield self.layout.template, frame
            return
        rows = frame.with_columns(self.layout.values(frame.columns))
        for group in rows.partition_by(columns, maintain_order=True):
            values = group.row(0, named=True)
            yield self.layout.key(values), group.select(frame.columns)

    def commit(
        self,
        staged_parts: Sequence[StagedPart],
        context: CommitContext = ROWS_ONLY,
    ) -> CommitResult:
        """See `Sink.commit`.

        Each file is committed on its own, in the order of their keys.
        """
        pieces: Sequence[StagedFile]
        pieces = [piece for part in staged_parts for piece in part.data]
        repeated = 0
        if self._mode == "append":
            pieces, repeated = without_repeats(pieces, self._spool)
        elif not self.layout.columns:
            pieces = join_pieces(pieces, self._spool, newest=True)
        commit = _commit_of(self._mode)(self, self._files, pieces, context, self._spool)
        committed = Committed(
            commit.run(),
            repeated + sum(piece.superseded for piece in pieces),
            commit.spans,
            upserts=self._mode == "upsert",
        )
        self._versions = {**(self._versions or {}), **committed.versions}
        applies = self._mode == "append" or not committed.overtaken
        if context.state is not None and self.layout.columns and applies:
            self._state_file.save(context.state, self._versions)
        return committed.result()

    def attempt(self, file: Checkpoint, write: Callable[[Checkpoint, bool], T]) -> T:
        """Write a file, with retries while other runs win the race.

        Args:
            file: The file as it was opened.
            write: Function that writes the present version of the file. Its second
                argument is whether this version differs from the one that was opened.

        Raises:
            CommitConflict: Other runs won all races.
        """
        planned = file.version
        for attempt in commit_attempts(file.uri):
            with self.store.lock(file.key):
                if attempt or (
                    not self.store.remote and self._version(file.key) != file.version
                ):
                    # Under the lock of a folder; a bucket's conditional PUT will tell.
                    file = self._open(file.key)
                if planned is not None and file.version is None:
                    raise CommitConflict(
                        f"{file.uri}: it was removed while this run was under way, and"
                        " nothing was written; run again"
                    )
                try:
                    return write(file, file.version != planned)
                except CommitConflict:
                    # S3 also answers so (409) while the other's write is under way and
                    # cannot be seen yet
                    pass
                except (CorruptCheckpoint, StorageUnavailable):
                    # What was read may be half of one version and half of the next:
                    # only an unchanged one is to blame.
                    if same_version(self._version(file.key), file.version):
                        raise
        raise AssertionError  # pragma: no cover - the attempts end with an error

    def _version(self, key: str) -> str | None:
        entry = self.store.head(key)
        return entry.version if entry else None

    @override
    def close(self) -> None:
        self._spool.clear()


def _commit_of(mode: WriteMode) -> type[FileCommit]:
    """Return the commit of a write mode; a run imports only its own."""
    if mode == "append":
        return AppendCommit
    if mode == "upsert":
        from reporting_object_store.parquet_sink.upsert import UpsertCommit

        return UpsertCommit
    from reporting_object_store.parquet_sink.replacing import ReplaceCommit

    return ReplaceCommit
