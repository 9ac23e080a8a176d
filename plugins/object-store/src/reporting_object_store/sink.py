"""The sink ``parquet-checkpoint``: a sorted parquet file that is its own ledger, replaced in one atomic write."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import ClassVar

import polars as pl

from reporting_framework import ORIGIN_COLUMN, Fragment, Receipt, Split
from reporting_framework.errors import (
    CommitConflict,
    CorruptCheckpoint,
    LocationError,
    SettingsError,
    StorageUnavailable,
)
from reporting_framework.result import Output
from reporting_framework.storage import open_store, parse_location
from reporting_object_store.checkpoint import Checkpoint
from reporting_object_store.layout import Layout
from reporting_object_store.merge import PART, merge, regroup, write
from reporting_object_store.quarantine import ParquetQuarantine
from reporting_object_store.settings import ParquetCheckpointSettings
from reporting_object_store.spool import Piece, Spool, in_order

TRIES = 20
"""How often a commit is tried when other runs win the race; each time at least one of them got on."""


class ParquetCheckpoint:
    """One parquet file, or one per combination of the columns named in its key.

    The column `source_key` of the file is the ledger. A commit merges the staged rows into the file as it was read and
    replaces it only if it still is that version; else it reads again, leaves out what is there by now, and merges anew.
    """

    name: ClassVar[str] = "parquet-checkpoint"
    Settings: ClassVar[type[ParquetCheckpointSettings]] = ParquetCheckpointSettings

    def __init__(self, settings: ParquetCheckpointSettings) -> None:
        self.settings = settings
        self.layout = Layout.parse(settings.uri)
        self.store = open_store(self.layout.folder)
        self._schema = pl.Schema()
        self._files: dict[str, Checkpoint] = {}
        self._spool = Spool(settings.timestamp)

    def prepare(self, schema: pl.Schema) -> None:
        """See `Sink.prepare`."""
        self.layout.check(schema.names())
        if not isinstance(schema.get(self.settings.timestamp), pl.Datetime):
            raise SettingsError(
                f"sink {self.name}: setting timestamp names {self.settings.timestamp}, which is not a Datetime column; "
                f"there are {', '.join(f'{name} ({dtype})' for name, dtype in schema.items())}"
            )
        self._schema = schema

    def ledger(self) -> CheckpointLedger:
        """See `Sink.ledger`."""
        self._files = {key: self._open(key) for key in self._keys()}
        return CheckpointLedger([file for file in self._files.values() if file.version is not None])

    def _open(self, key: str) -> Checkpoint:
        return Checkpoint.open(self.store, key, self._schema, self.settings.timestamp)

    def _keys(self) -> Iterator[str]:
        """Keys of the files that are there, or, without ``{column}``, of the one that may be."""
        if not self.layout.columns:
            yield self.layout.template
            return
        try:
            for page in self.store.list():
                yield from (entry.key for entry in page if self.layout.pattern.fullmatch(entry.key))
        except LocationError:
            if self.store.location.scheme != "file":
                raise

    def stage(self, frame: pl.DataFrame, split: Split, part: int) -> Fragment:
        """See `Sink.stage`."""
        name = f"{split.id}\0{part}"
        columns = self.layout.columns
        if not columns:
            return Fragment(frame.height, (self._spool.add(self.layout.template, frame, name),))
        groups = frame.partition_by(columns, maintain_order=True)
        keyed = [(self.layout.key(group.row(0, named=True)), group) for group in groups]
        return Fragment(frame.height, tuple(self._spool.add(key, group, name) for key, group in keyed))

    def commit(self, fragments: Sequence[Fragment]) -> Receipt:
        """See `Sink.commit`: each file is committed on its own, in the order of their keys."""
        staged: dict[str, list[Piece]] = {}
        for fragment in fragments:
            for piece in fragment.data:
                staged.setdefault(piece.key, []).append(piece)
        outputs, duplicates, newest = [], 0, []
        for key in sorted(self._files.keys() | staged.keys()):
            file, new = self._files.get(key) or Checkpoint(self.store, key, self.settings.timestamp), 0
            if pieces := staged.get(key):
                file, new = self._commit(file, pieces)
                duplicates += sum(piece.rows for piece in pieces) - new
            if file.version is not None:
                outputs.append(
                    Output(uri=file.uri, rows=file.rows, new_rows=new, bytes=file.size, version=file.version)
                )
                newest.append(file.newest)
        return Receipt(outputs, duplicates, max((moment for moment in newest if moment), default=None))

    def _commit(self, file: Checkpoint, pieces: Sequence[Piece]) -> tuple[Checkpoint, int]:
        """The file with the staged rows in it, and how many of them were new."""
        planned = file.version
        for attempt in range(TRIES):
            with self.store.exclusive(file.key):
                if attempt or self._version(file.key) != file.version:
                    file = self._open(file.key)
                try:
                    return self._replace(file, pieces, check=file.version != planned)
                except (CommitConflict, CorruptCheckpoint, StorageUnavailable):
                    # What was read may be half of one version and half of the next: only an unchanged one is to blame.
                    if self._version(file.key) == file.version:
                        raise
            time.sleep(random.uniform(0, 0.05 * 2 ** min(attempt, 5)))  # noqa: S311 - not a secret
        raise CommitConflict(f"{file.uri}: other runs were faster {TRIES} times in a row; run again")

    def _version(self, key: str) -> str | None:
        entry = self.store.head(key)
        return entry.version if entry else None

    def _replace(self, file: Checkpoint, pieces: Sequence[Piece], *, check: bool) -> tuple[Checkpoint, int]:
        """Merge and write once. `check`: this is not the version planned on, so rows may be there already."""
        new = _Counted(in_order(pieces, self.settings.timestamp, PART), file if check else None)
        scratch = self.store.scratch(file.key)
        try:
            rows = merge(file.frames(), iter(new), self.settings.timestamp)
            write(regroup(rows), self._schema, scratch, self.settings.compression)
            if not new.rows:
                return file, 0
            size = scratch.stat().st_size
            version = self.store.put(file.key, scratch, expected=file.version)
        finally:
            scratch.unlink(missing_ok=True)
        newest = max(moment for moment in (file.newest, new.newest(self.settings.timestamp)) if moment)
        total = file.rows + new.rows
        return Checkpoint(file.store, file.key, file.timestamp, version, size, total, newest), new.rows

    def abort(self) -> None:
        """See `Sink.abort`."""
        self._spool.clear()

    def quarantine(self) -> ParquetQuarantine:
        """See `Sink.quarantine`."""
        chosen = self.settings.quarantine
        place = parse_location(chosen) if chosen else self.layout.state(".parquet")
        return ParquetQuarantine(place)


class CheckpointLedger:
    """See `Ledger`: the files' own column of origins."""

    def __init__(self, files: Sequence[Checkpoint]) -> None:
        self._files = files

    @property
    def rows(self) -> int:
        """See `Ledger.rows`."""
        return sum(file.rows for file in self._files)

    @property
    def newest(self) -> datetime | None:
        """See `Ledger.newest`."""
        return max((file.newest for file in self._files if file.newest), default=None)

    def unseen(self, objects: Sequence[str]) -> list[str]:
        """See `Ledger.unseen`."""
        left = list(objects)
        for file in self._files:
            if left:
                known = file.known(pl.Series(left, dtype=pl.String))
                left = [key for key in left if key not in known]
        return left


class _Counted:
    """Staged rows less those that `file` has; counts what passes."""

    def __init__(self, frames: Iterator[pl.DataFrame], file: Checkpoint | None) -> None:
        self._frames = frames
        self._file = file
        self._last: pl.DataFrame | None = None
        self.rows = 0

    def __iter__(self) -> Iterator[pl.DataFrame]:
        for frame in self._frames:
            if self._file is not None:
                there = self._file.present(frame[ORIGIN_COLUMN])
                frame = frame.filter(~pl.col(ORIGIN_COLUMN).is_in(there.implode()))
            if frame.height:
                self.rows += frame.height
                self._last = frame[-1:]
                yield frame

    def newest(self, timestamp: str) -> datetime | None:
        """Timestamp of the last row that passed."""
        return self._last[timestamp][0] if self._last is not None else None
