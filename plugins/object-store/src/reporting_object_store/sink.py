"""The sink ``parquet-checkpoint``: a sorted parquet file that is its own ledger, replaced in one atomic write."""

from __future__ import annotations

import itertools
import logging
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path
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
from reporting_framework.records import Belonging, Finding
from reporting_framework.result import Output
from reporting_framework.storage import Location, open_store, parse_location
from reporting_object_store.belongings import Place, back_up, leftovers, remove
from reporting_object_store.checkpoint import Checkpoint, OutOfOrder
from reporting_object_store.checks import unwritten, written
from reporting_object_store.history import RunHistory
from reporting_object_store.layout import RUNS_FOLDER, Layout
from reporting_object_store.merge import PART, READ, merge, regroup, write
from reporting_object_store.permissions import deleting, writing
from reporting_object_store.quarantine import ParquetQuarantine
from reporting_object_store.reading import TableFile, scan_files, table_files
from reporting_object_store.settings import ParquetCheckpointSettings
from reporting_object_store.spool import Piece, Spool, in_order, sorted_anew

_log = logging.getLogger(__name__)

TRIES = 20
"""How often a commit is tried when other runs win the race; each time at least one of them got on."""

AT_ONCE = 16
"""Files that are opened at once: each is a round trip."""


class ParquetCheckpoint:
    """One parquet file, or one per combination of the columns named in its key.

    The column `source_key` of the file is the ledger. A commit merges the staged rows into the file as it was read and
    replaces it only if it still is that version; else it reads again, leaves out what is there by now, and merges anew.

    A file of another schema, an older one or one that another program has written, is read in today's columns, and
    written in them by the next commit that adds rows (see `forms`).
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
        self._history: RunHistory | None = None

    @classmethod
    def permissions(cls, settings: ParquetCheckpointSettings) -> Sequence[Permission]:
        """See `Permitted.permissions`."""
        apart = [parse_location(settings.quarantine).parent] if settings.quarantine else []
        folders = [Layout.parse(settings.uri).folder, *apart]
        merged = [folders[0].join(RUNS_FOLDER)] if settings.keep_runs else []
        return [
            *(permission for folder in folders for permission in writing(folder)),
            *(permission for folder in merged for permission in deleting(folder)),
        ]

    @classmethod
    def table_folder(cls, settings: ParquetCheckpointSettings) -> str:
        """See `Filed.table_folder`: the fixed part of where the files are."""
        return Layout.parse(settings.uri).folder.uri

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
            told = pool.submit(self._history.load) if self._history else None
            keys = list(self._keys())
            self._files = dict(zip(keys, pool.map(self._own, keys), strict=True))
            kept.result()
            if told:
                told.result()
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

    def parquet_files(self) -> Sequence[TableFile]:
        """See `ParquetBacked.parquet_files`."""
        return table_files(self.store, self.layout, list(self._keys()))

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
        scratch = self.store.scratch(file.key)
        try:
            try:
                new = self._merged(file, file.frames(), pieces, scratch, check=check)
            except OutOfOrder:
                with sorted_anew(file.frames(ordered=False), self.settings.timestamp, READ) as old:
                    new = self._merged(file, old, pieces, scratch, check=check)
                file = file._replace(newest=file.latest())
                _log.warning("%s: its rows were not in order; they are sorted", file.uri)
            if not new.rows:
                return file, 0
            size = scratch.stat().st_size
            version = self.store.put(file.key, scratch, expected=file.version)
        finally:
            scratch.unlink(missing_ok=True)
        if file.form and file.upgrades:
            _log.warning("%s: upgraded: %s", file.uri, file.form.told())
        newest = max(moment for moment in (file.newest, new.newest(self.settings.timestamp)) if moment)
        total = file.rows + new.rows
        return Checkpoint(file.store, file.key, file.timestamp, version, size, total, newest), new.rows

    def _merged(
        self, file: Checkpoint, old: Iterator[pl.DataFrame], pieces: Sequence[Piece], scratch: Path, *, check: bool
    ) -> _Counted:
        """Write the old rows and the staged ones to `scratch`, in the columns that the file will have."""
        new = _Counted(in_order(pieces, self.settings.timestamp, PART), file, check=check)
        began = time.time()
        rows = merge(old, iter(new), self.settings.timestamp)
        write(regroup(rows), file.form.schema if file.form else self._schema, scratch, self.settings.compression)
        self._merging.append((began, time.time()))
        return new

    # -- by hand ------------------------------------------------------------------------------------------------------

    def belongings(self) -> Sequence[Belonging]:
        """See `Inspectable.belongings`."""
        return [*(place.belonging for place in self._kept()), *leftovers(dict.fromkeys(self._folders()))]

    def _kept(self) -> list[Place]:
        """Outputs, quarantine and bookmark, as far as they are there."""
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="reporting-look") as pool:
            outputs = [place for place in pool.map(self._look, self._keys()) if place is not None]
        return [*outputs, *itertools.starmap(Place, self._quarantine.belongings())]

    def _look(self, key: str) -> Place | None:
        """One output as it is; without its rows when it is not what it should be."""
        entry = self.store.head(key)
        if entry is None:
            return None
        found = Belonging(
            "output", self.store.location.join(key).uri, None, entry.size, entry.version, None, self.store.modified(key)
        )
        with suppress(CorruptCheckpoint):
            file = self._own(key)
            if file.version == entry.version:
                found = found._replace(rows=file.rows, newest=file.newest)
        return Place(self.store, key, found)

    def _folders(self) -> Iterator[Location]:
        """Folders in which runs write: those of the files that are there, and the quarantine's."""
        yield self.layout.folder.join(self.layout.template).parent
        yield from (self.layout.folder.join(key).parent for key in self._keys())
        yield self._place.parent

    def back_up(self, belongings: Sequence[Belonging], name: str) -> Sequence[str]:
        """See `Resettable.back_up`."""
        return back_up(self._places(belongings), self.store, name)

    def remove(self, belongings: Sequence[Belonging]) -> None:
        """See `Resettable.remove`. The outputs come last: what is left of a half removal is only read once more."""
        remove(self._places(belongings)[::-1])

    def _places(self, belongings: Sequence[Belonging]) -> list[Place]:
        """These belongings as they were looked at, each with its store and key."""
        kept = {place.belonging.uri: place for place in self._kept()}
        if gone := [each.uri for each in belongings if each.uri not in kept]:
            raise CommitConflict(f"{gone[0]}: it is not there any more; nothing was changed: try again")
        return [kept[each.uri]._replace(belonging=each) for each in belongings]

    def checks(self, *, write: bool) -> Mapping[str, Callable[[], Finding]]:
        """See `Checkable.checks`."""
        return {
            "checkpoint": self._check_files,
            "quarantine": self._check_quarantine,
            "conditional writes": partial(written, self.store) if write else unwritten,
        }

    def _check_files(self) -> Finding:
        rows, places = self.ledger().rows, [file.uri for file in self._files.values() if file.version is not None]
        more = f" and {len(places) - 1:,} more" if places[1:] else ""
        return Finding("ok", f"{places[0]}{more}: {rows:,} rows" if places else "there is none yet")

    def _check_quarantine(self) -> Finding:
        return Finding("ok", f"{self._quarantine.uri}: {self._quarantine.entries().height:,} records")

    def abort(self) -> None:
        """See `Sink.abort`."""
        self._spool.clear()
        if self._history:
            self._history.clear()

    def history(self) -> RunHistory | None:
        """See `Recording.history`. Once it was asked for, `ledger` reads it along with the rest."""
        if self._history is None and self.settings.keep_runs:
            self._history = RunHistory(self.layout.runs, self.settings.keep_runs)
        return self._history

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
    """Staged rows in the columns of `file`, less those that it has, where that is to be checked; counts what passes."""

    def __init__(self, frames: Iterator[pl.DataFrame], file: Checkpoint, *, check: bool) -> None:
        self._frames = frames
        self._file = file
        self._check = check
        self._last: pl.DataFrame | None = None
        self.rows = 0

    def __iter__(self) -> Iterator[pl.DataFrame]:
        form = self._file.form
        for frame in self._frames:
            if self._check:
                there = self._file.present(frame[ORIGIN_COLUMN])
                frame = frame.filter(~pl.col(ORIGIN_COLUMN).is_in(there.implode()))
            if frame.height:
                self.rows += frame.height
                self._last = frame[-1:]
                yield form.extended(frame) if form else frame

    def newest(self, timestamp: str) -> datetime | None:
        """Timestamp of the last row that passed."""
        return self._last[timestamp][0] if self._last is not None else None
