"""The sink ``parquet-checkpoint``: a sorted parquet file that is its own ledger, replaced in one atomic write."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import ClassVar

import polars as pl

from reporting_framework import ORIGIN_COLUMN, Fragment, Permission, Receipt, Split, object_of
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
from reporting_object_store.permissions import writing
from reporting_object_store.quarantine import ParquetQuarantine
from reporting_object_store.reading import scan_files
from reporting_object_store.settings import ParquetCheckpointSettings
from reporting_object_store.spool import Piece, Spool, in_order

TRIES = 20
"""How often a commit is tried when other runs win the race; each time at least one of them got on."""

AT_ONCE = 16
"""Files that are opened at once: each is a round trip."""


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
        self._ledger: CheckpointLedger | None = None
        self._merging: list[tuple[float, float]] = []
        self._spool = Spool(settings.timestamp)
        self._place = parse_location(settings.quarantine) if settings.quarantine else self.layout.state(".parquet")
        self._quarantine = ParquetQuarantine(self._place)

    @classmethod
    def permissions(cls, settings: ParquetCheckpointSettings) -> Sequence[Permission]:
        """See `Permitted.permissions`."""
        apart = [parse_location(settings.quarantine).parent] if settings.quarantine else []
        folders = [Layout.parse(settings.uri).folder, *apart]
        return [permission for folder in folders for permission in writing(folder)]

    def prepare(self, schema: pl.Schema) -> None:
        """See `Sink.prepare`."""
        self.layout.check(schema.names())
        found = schema.get(self.settings.timestamp)
        if not isinstance(found, pl.Datetime) or found.time_zone is None or found.time_unit == "ns":
            raise SettingsError(
                f"sink {self.name}: setting timestamp names {self.settings.timestamp}, which is not a column of "
                "Datetime (us or ms) with a time zone; there are "
                f"{', '.join(f'{name} ({dtype})' for name, dtype in schema.items())}"
            )
        if self.layout.owns(self._place):
            raise SettingsError(
                f"sink {self.name}: setting quarantine names {self._place.uri}, where a checkpoint goes; name another"
            )
        self._schema = schema

    def ledger(self) -> CheckpointLedger:
        """See `Sink.ledger`."""
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="reporting-open") as pool:
            kept = pool.submit(self._quarantine.load)
            keys = list(self._keys())
            self._files = dict(zip(keys, pool.map(self._own, keys), strict=True))
            kept.result()
        self._ledger = CheckpointLedger([file for file in self._files.values() if file.version is not None])
        return self._ledger

    def _open(self, key: str) -> Checkpoint:
        return Checkpoint.open(self.store, key, self._schema, self.settings.timestamp)

    def _own(self, key: str) -> Checkpoint:
        """The file, if its rows are those that belong there: a file of another checkpoint may be named like it."""
        file = self._open(key)
        columns = self.layout.columns
        if columns and file.rows and (found := self.layout.key(file.first(columns))) != key:
            raise CorruptCheckpoint(
                f"{file.uri}: it holds rows that belong into {found}; it is of another checkpoint: move one of them"
            )
        return file

    def _keys(self) -> Iterator[str]:
        """Keys of the files that are there, or, without ``{column}``, of the one that may be."""
        if not self.layout.columns:
            yield self.layout.template
            return
        try:
            for page in self.store.list():
                yield from (entry.key for entry in page if self.layout.pattern.fullmatch(entry.key))
        except LocationError:
            if self.store.location.scheme != "file":  # a folder is made by the first commit
                raise

    def scan(self) -> pl.LazyFrame | None:
        """See `Readable.scan`: all files as one; columns that an older one lacks are null there."""
        return scan_files(self.store, self.layout, self._keys(), self._schema)

    def stage(self, frame: pl.DataFrame, split: Split, part: int) -> Fragment:
        """See `Sink.stage`."""
        if frame[self.settings.timestamp].null_count():
            raise SettingsError(
                f"sink {self.name}: column {self.settings.timestamp} holds a null, and rows are sorted by it; let the "
                "validator require it, or name another column"
            )
        name, fresh = f"{split.id}\0{part}", self._ledger is not None and self._ledger.vouches(frame[ORIGIN_COLUMN])
        columns = self.layout.columns
        if not columns:
            return Fragment(frame.height, (self._spool.add(self.layout.template, frame, name, fresh=fresh),))
        groups = frame.partition_by(columns, maintain_order=True)
        keyed = [(self.layout.key(group.row(0, named=True)), group) for group in groups]
        return Fragment(frame.height, tuple(self._spool.add(key, group, name, fresh=fresh) for key, group in keyed))

    def commit(self, fragments: Sequence[Fragment]) -> Receipt:
        """See `Sink.commit`: each file is committed on its own, in the order of their keys."""
        staged: dict[str, list[Piece]] = {}
        for fragment in fragments:
            for piece in fragment.data:
                staged.setdefault(piece.key, []).append(piece)
        outputs, duplicates, newest = [], 0, []
        self._merging.clear()
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
        spans = [("merge", span) for span in self._merging]
        return Receipt(outputs, duplicates, max((moment for moment in newest if moment), default=None), spans)

    def _commit(self, file: Checkpoint, pieces: Sequence[Piece]) -> tuple[Checkpoint, int]:
        """The file with the staged rows in it, and how many of them were new."""
        planned, fresh = file.version, all(piece.fresh for piece in pieces)
        for attempt in range(TRIES):
            with self.store.exclusive(file.key):
                if attempt or (not self.store.remote and self._version(file.key) != file.version):
                    file = self._open(file.key)  # under the lock of a folder; a bucket's conditional PUT will tell
                try:
                    return self._replace(file, pieces, check=not fresh or file.version != planned)
                except CommitConflict:
                    pass  # S3 also answers so (409) while the other's write is under way and cannot be seen yet
                except (CorruptCheckpoint, StorageUnavailable):
                    # What was read may be half of one version and half of the next: only an unchanged one is to blame.
                    if self._version(file.key) == file.version:
                        raise
            time.sleep(random.uniform(0, 0.05 * 2 ** min(attempt, 5)))  # noqa: S311 - not a secret
        raise CommitConflict(f"{file.uri}: other runs were faster {TRIES} times in a row; run again")

    def _version(self, key: str) -> str | None:
        entry = self.store.head(key)
        return entry.version if entry else None

    def _replace(self, file: Checkpoint, pieces: Sequence[Piece], *, check: bool) -> tuple[Checkpoint, int]:
        """Merge and write once. `check`: rows may be there already, of objects read again or from another run."""
        new = _Counted(in_order(pieces, self.settings.timestamp, PART), file if check else None)
        scratch = self.store.scratch(file.key)
        began = time.time()
        try:
            rows = merge(file.frames(), iter(new), self.settings.timestamp)
            write(regroup(rows), self._schema, scratch, self.settings.compression)
            self._merging.append((began, time.time()))
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

    def shelve(self, kind: str, name: str, data: bytes, *, content_type: str) -> str:
        """See `Shelving.shelve`: the underscore before the folder's name keeps Athena and Hive away."""
        key = self.layout.beside(kind, name)
        self.store.replace(key, data, content_type=content_type, metadata={})
        return self.store.location.join(key).uri

    def quarantine(self) -> ParquetQuarantine:
        """See `Sink.quarantine`."""
        return self._quarantine


class CheckpointLedger:
    """See `Ledger`: the files' own column of origins."""

    def __init__(self, files: Sequence[Checkpoint]) -> None:
        self._files = files
        self._unknown: set[str] = set()

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
        if self.rows:
            self._unknown.update(left)
        return left

    def vouches(self, origins: pl.Series) -> bool:
        """Whether none of these rows can be there: `unseen` was asked for their objects, and knew none of them.

        An object that was accepted in part, or by another sink, or comes from a source that plans without a ledger, is
        not vouched for; nor is one a second time, so that what is remembered stays small.
        """
        if not self.rows:
            return True
        objects = set(map(object_of, origins))
        unknown = objects <= self._unknown
        self._unknown -= objects
        return unknown


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
