"""The sink ``parquet-checkpoint``, a sorted parquet file.

The file is its own ledger, and is replaced in one atomic write.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import polars as pl

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
from reporting_framework.plugin_api.result import Output
from reporting_framework.storage import commit_attempts, same_version
from reporting_object_store.parquet_sink.checkpoint import Checkpoint, OutOfOrderError
from reporting_object_store.parquet_sink.commit_versions import commit_versions
from reporting_object_store.parquet_sink.ledger import CheckpointLedger
from reporting_object_store.parquet_sink.maintenance import (
    MAX_WORKERS,
    CheckpointMaintenance,
)
from reporting_object_store.parquet_sink.merge import (
    READ_ROWS,
    merge,
    regroup,
    write,
)
from reporting_object_store.parquet_sink.piece_joining import join_pieces
from reporting_object_store.parquet_sink.row_versions import (
    newest_rows,
    with_moments,
)
from reporting_object_store.parquet_sink.staging import (
    StagedFile,
    StagingArea,
    in_order,
    merge_rows,
    sort_frames,
)
from reporting_object_store.parquet_sink.state import decoded, encoded, metadata_of
from reporting_object_store.settings import ParquetCheckpointSettings

T = TypeVar("T")

_log = logging.getLogger(__name__)


class ParquetCheckpoint(CheckpointMaintenance):
    """One parquet file, or one per combination of the columns named in its key.

    The column `source_key` of the file is the ledger. A commit merges the staged rows
    into the file as it was read and replaces it only if it still is that version; else
    it reads again, leaves out what is there by now, and merges anew.

    A file of another schema, an older one or one that another program has written, is
    read in today's columns, and written in them by the next commit that adds rows (see
    `schema_evolution`).
    """

    def __init__(self, settings: ParquetCheckpointSettings) -> None:
        super().__init__(settings)
        self._files: dict[str, Checkpoint] = {}
        self._ledger: CheckpointLedger | None = None
        self._merging: list[tuple[float, float]] = []
        self._overtaken = False
        self._spool = StagingArea(settings.timestamp)
        self._state: str | None = None

    def ledger(self) -> CheckpointLedger:
        """See `Sink.ledger`."""
        with ThreadPoolExecutor(
            MAX_WORKERS, thread_name_prefix="reporting-open"
        ) as pool:
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

    def load_state(self) -> Mapping[str, Any] | None:
        """See `Sink.load_state`."""
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
        """Return a file as it is now."""
        return self._file_of(key)

    def stage(self, frame: pl.DataFrame, split: Split, part: int) -> StagedPart:
        """See `Sink.stage`."""
        rows, superseded = frame.height, 0
        if self._mode != "append":
            frame = with_moments(frame, self.settings.timestamp)
            frame, superseded = newest_rows(frame)
        if frame[self.settings.timestamp].null_count():
            raise SettingsError(
                f"sink {self.name}: column {self.settings.timestamp} holds a null, and"
                " rows are sorted by it; let the validator require it, or name another"
                " column"
            )
        name, fresh = (
            f"{split.id}\0{part}",
            self._mode == "append"
            and self._ledger is not None
            and self._ledger.vouches(frame[SOURCE_KEY]),
        )
        columns, template = self.layout.columns, self.layout.template
        groups = frame.partition_by(columns, maintain_order=True) if columns else []
        keyed = [(self.layout.key(group.row(0, named=True)), group) for group in groups]
        staged = [
            self._spool.add(key, group, name, fresh=fresh)
            for key, group in keyed or [(template, frame)]
        ]
        staged[0] = staged[0]._replace(superseded=superseded)
        return StagedPart(rows, tuple(staged))

    def commit(
        self,
        staged_parts: Sequence[StagedPart],
        context: CommitContext = ROWS_ONLY,
    ) -> CommitResult:
        """See `Sink.commit`.

        Each file is committed on its own, in the order of their keys.
        """
        if self._mode != "append":
            return self._commit_versions(staged_parts, context)
        staged: dict[str, list[StagedFile]] = {}
        for staged_part in staged_parts:
            for piece in staged_part.data:
                staged.setdefault(piece.key, []).append(piece)
        outputs, duplicates, newest = [], 0, []
        self._merging.clear()
        self._overtaken = False
        if context.state is not None and not self.layout.columns:
            self._state = encoded(context.state)
            staged.setdefault(self.layout.template, [])
        known = self._known_rows(staged)
        for key in sorted(self._files.keys() | staged.keys()):
            file, new = (
                self._files.get(key)
                or Checkpoint(self.store, key, self.settings.timestamp),
                0,
            )
            if (pieces := staged.get(key)) is not None:
                elsewhere = {
                    source_key
                    for other, source_keys in known.items()
                    if other != key
                    for source_key in source_keys
                }
                file, new = self._commit(file, pieces, elsewhere)
                duplicates += sum(piece.rows for piece in pieces) - new
            if file.version is not None:
                self._versions = {**(self._versions or {}), key: file.version}
                outputs.append(
                    Output(
                        uri=file.uri,
                        rows=file.rows,
                        new_rows=new,
                        bytes=file.size,
                        version=file.version,
                    )
                )
                newest.append(file.newest)
        if context.state is not None and self.layout.columns:
            self._state_file.save(context.state, self._versions or ())
        spans = [("merge", span) for span in self._merging]
        return CommitResult(
            outputs,
            duplicates,
            max((moment for moment in newest if moment), default=None),
            spans,
            overtaken=self._overtaken,
        )

    def _commit_versions(
        self, staged_parts: Sequence[StagedPart], context: CommitContext
    ) -> CommitResult:
        """Commit with ``upsert`` or ``replace``."""
        pieces: Sequence[StagedFile]
        pieces = [piece for part in staged_parts for piece in part.data]
        if not self.layout.columns:
            pieces = join_pieces(pieces, self._spool, newest=True)
        committed = commit_versions(
            self,
            self._files,
            pieces,
            context,
            self._spool.folder(),
            replaces=self._mode == "replace",
        )
        overtaken = any(one.overtaken for one in committed.files.values())
        versions = {
            key: one.file.version
            for key, one in committed.files.items()
            if one.file.version is not None
        }
        self._versions = {**(self._versions or {}), **versions}
        if context.state is not None and self.layout.columns and not overtaken:
            self._state_file.save(context.state, self._versions)
        return committed.result()._replace(overtaken=overtaken)

    def _known_rows(
        self, staged: Mapping[str, Sequence[StagedFile]]
    ) -> dict[str, pl.Series]:
        """Return the staged rows that are there already, by file.

        They are rows of objects that are read again.

        An object that has changed may name another file for a row that was taken: the
        row stays where it is.
        """
        again = [
            piece for pieces in staged.values() for piece in pieces if not piece.fresh
        ]
        if not self.layout.columns or not again:
            return {}
        source_keys = pl.concat(
            [pl.scan_ipc(piece.path).select(SOURCE_KEY) for piece in again]
        ).collect()[SOURCE_KEY]
        wanted = source_keys.filter(source_keys.str.contains("#", literal=True))
        return {
            key: file.existing_keys(wanted)
            for key, file in self._files.items()
            if len(wanted) and file.rows
        }

    def _commit(
        self,
        file: Checkpoint,
        pieces: Sequence[StagedFile],
        elsewhere: Set[str],
    ) -> tuple[Checkpoint, int]:
        """The file with the staged rows in it, and how many of them were new.

        Args:
            file: The file.
            pieces: The staged rows.
            elsewhere: Source keys of rows that are in another file.
        """
        pieces = join_pieces(pieces, self._spool)
        fresh = all(piece.fresh for piece in pieces)

        def write(file: Checkpoint, overtaken: bool) -> tuple[Checkpoint, int]:
            self._overtaken |= overtaken
            return self._replace(file, pieces, elsewhere, check=not fresh or overtaken)

        return self.attempt(file, write)

    def attempt(self, file: Checkpoint, write: Callable[[Checkpoint, bool], T]) -> T:
        """Write a file, again and again as long as others win the race.

        Args:
            file: The file as it was opened.
            write: Writes it as it is now. Its second argument is whether that is
                another version than was opened.

        Raises:
            CommitConflict: Others kept winning.
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

    def _replace(
        self,
        file: Checkpoint,
        pieces: Sequence[StagedFile],
        elsewhere: Set[str],
        *,
        check: bool,
    ) -> tuple[Checkpoint, int]:
        """Merge and write once.

        `check`: rows may be there already, of objects read again or from another run.
        """

        def counted() -> _NewRows:
            return _NewRows(
                in_order(pieces, self.settings.timestamp, merge_rows(pieces)),
                file,
                elsewhere,
                check=check,
            )

        state = self._state_after(file)
        with self.store.temp_path(file.key) as scratch:
            try:
                new = self._merged(file, file.frames(), counted(), scratch, state)
            except OutOfOrderError:
                with sort_frames(
                    file.frames(ordered=False), self.settings.timestamp, READ_ROWS
                ) as old:
                    new = self._merged(file, old, counted(), scratch, state)
                file = file._replace(newest=file.latest())
                _log.warning(
                    "%s: its rows were not in order; they are sorted", file.uri
                )
            if not new.rows and state == file.state:
                return file, 0
            size = scratch.stat().st_size
            version = self.store.put(file.key, scratch, if_version=file.version)
        if file.form and file.upgrades:
            _log.warning("%s: upgraded: %s", file.uri, file.form.describe())
        moments = (file.newest, new.newest(self.settings.timestamp))
        newest = max((moment for moment in moments if moment), default=None)
        total = file.rows + new.rows
        return (
            Checkpoint(
                file.store,
                file.key,
                file.timestamp,
                version,
                size,
                total,
                newest,
                state=state,
            ),
            new.rows,
        )

    def _state_after(self, file: Checkpoint) -> str | None:
        """Return the source state that a file gets: that of whoever wins the race."""
        opened = self._files.get(file.key)
        if file.version != (opened.version if opened else None):
            return file.state
        return self._state if self._state is not None else file.state

    def _merged(
        self,
        file: Checkpoint,
        old: Iterator[pl.DataFrame],
        new: _NewRows,
        scratch: Path,
        state: str | None,
    ) -> _NewRows:
        """Write the old rows and the staged ones to `scratch`.

        They are in the columns that the file will have.
        """
        began = time.time()
        rows = merge(old, iter(new), self.settings.timestamp)
        write(
            regroup(rows),
            file.form.schema if file.form else self._schema,
            scratch,
            self.settings.compression,
            metadata_of(state),
        )
        self._merging.append((began, time.time()))
        return new

    def close(self) -> None:
        """See `Sink.close`."""
        self._spool.clear()


class _NewRows:
    """Staged rows in the columns of `file`, each once, and their number.

    Those that the file has are left out if that is to be checked.
    """

    def __init__(
        self,
        frames: Iterator[pl.DataFrame],
        file: Checkpoint,
        elsewhere: Set[str],
        *,
        check: bool,
    ) -> None:
        self._frames = frames
        self._file = file
        self._elsewhere = pl.Series(sorted(elsewhere), dtype=pl.String)
        self._check = check
        self._last: pl.DataFrame | None = None
        self.rows = 0

    def __iter__(self) -> Iterator[pl.DataFrame]:
        form = self._file.form
        for frame in self._frames:
            if self._check:
                existing = self._file.existing_keys(frame[SOURCE_KEY]).extend(
                    self._elsewhere
                )
                frame = frame.filter(~pl.col(SOURCE_KEY).is_in(existing.implode()))
            frame = _unique_rows(frame, self._file.timestamp)
            if frame.height:
                self.rows += frame.height
                self._last = frame[-1:]
                yield form.extended(frame) if form else frame

    def newest(self, timestamp: str) -> datetime | None:
        """Timestamp of the last row that passed."""
        return self._last[timestamp][0] if self._last is not None else None


def _unique_rows(frame: pl.DataFrame, timestamp: str) -> pl.DataFrame:
    """Return sorted rows, each once.

    Left out are those that have the timestamp and the source key of the row before.
    """
    moments, source_keys = frame[timestamp], frame[SOURCE_KEY]
    again = (moments[1:] == moments[:-1]) & (source_keys[1:] == source_keys[:-1])
    return (
        frame.filter(pl.concat([pl.Series([True]), ~again])) if again.any() else frame
    )
