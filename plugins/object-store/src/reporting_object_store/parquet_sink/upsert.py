"""The commit of ``upsert``: the newest version of each source key stays."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from reporting_framework import DELETED_AT, CommitContext
from reporting_framework.errors import (
    CommitConflict,
    CorruptCheckpoint,
    StorageUnavailable,
)
from reporting_framework.storage import parquet_errors, same_version
from reporting_object_store.parquet_sink.checkpoint import (
    MAX_ATTEMPTS,
    Checkpoint,
    OutOfOrderError,
)
from reporting_object_store.parquet_sink.commit_results import Upserted
from reporting_object_store.parquet_sink.merge import (
    READ_ROWS,
    merge,
)
from reporting_object_store.parquet_sink.resolution import (
    FilePlan,
    Resolution,
    resolve,
)
from reporting_object_store.parquet_sink.rewrite import (
    StayingRows,
    Written,
    write_rows,
)
from reporting_object_store.parquet_sink.staged_keys import AT
from reporting_object_store.parquet_sink.staging import (
    StagedFile,
    in_order,
    merge_rows,
    sort_frames,
)
from reporting_object_store.parquet_sink.state import encoded

if TYPE_CHECKING:
    from reporting_object_store.parquet_sink.sink import ParquetCheckpoint

_log = logging.getLogger(__name__)


class UpsertCommit:
    """One commit of staged rows and of a state.

    Args:
        sink: The sink.
        files: Its files as they were opened, by key.
        pieces: Staged rows in the order in which they came.
        context: What is committed beside them.
        folder: Where to put what does not fit into memory.
    """

    def __init__(
        self,
        sink: ParquetCheckpoint,
        files: Mapping[str, Checkpoint],
        pieces: Sequence[StagedFile],
        context: CommitContext,
        folder: Path,
    ) -> None:
        self._sink, self._pieces, self._context = sink, pieces, context
        self._settings = sink.settings
        self._folder = folder
        keys = {*files, *(piece.key for piece in pieces)}
        if not sink.layout.columns:
            keys.add(sink.layout.template)
        self.files = {
            key: files.get(key) or Checkpoint(sink.store, key, self._settings.timestamp)
            for key in sorted(keys)
        }
        self._opened = {key: file.version for key, file in self.files.items()}
        self.spans: list[tuple[float, float]] = []
        self._hard = self._settings.deletes == "hard"
        self._resolution: Resolution | None = None

    def run(self) -> Mapping[str, Upserted]:
        """Commit each file.

        A row whose newest version is in another file goes once that is written.
        """
        done: dict[str, Upserted] = {}
        while left := [key for key in self.files if key not in done]:
            key = left[0]
            done[key] = self._sink.attempt(self.files[key], self._write)
            self.files[key] = done[key].file
        if self._sink.layout.columns:
            # Whoever writes last sees what the other has written.
            overtaken = {key for key, one in done.items() if one.overtaken}
            overtaken |= self._sink.changed(self.files)
            if overtaken or self._moves():
                self._settle(overtaken)
        return {
            key: done.get(key, Upserted(file, overtaken=True))._replace(file=file)
            for key, file in self.files.items()
        }

    # -- one file ----------------------------------------------------------------------

    def _write(self, file: Checkpoint, overtaken: bool) -> Upserted:
        """Write a file if that changes it."""
        overtaken |= file.version != self._opened.get(file.key)
        plan = self._plan(file)
        state, at = file.state, None
        if not overtaken:
            if self._context.state is not None and not self._sink.layout.columns:
                state = encoded(self._context.state)
            if self._context.snapshot:
                at = self._context.at or datetime.now(UTC)
        gone = self._deleted(file, plan) if at else 0
        done = Upserted(
            file,
            plan.counts._replace(deleted=plan.counts.deleted + gone),
            plan.duplicates,
            overtaken,
        )
        if not (plan.kept or len(plan.dropped) or gone) and state == file.state:
            self._check_same(file)
            return done
        staying = StayingRows(plan, at if gone else None, hard=self._hard)
        return done._replace(file=self._rewritten(file, staying, state, plan.kept))

    def _plan(self, file: Checkpoint) -> FilePlan:
        """Return what is to be done to a file in this version."""
        if self.files[file.key].version != file.version:
            self._resolution = None
            if self._sink.layout.columns:
                self._find_others()
        if self._resolution is None:
            self.files[file.key] = file
            self._resolution = self._resolved(file.key)
        return self._resolution.plans[file.key]

    def _resolved(self, written: str) -> Resolution:
        """Decide which rows stay.

        What is read of a file may be half of one version and half of the next.

        Args:
            written: Key of the file that is about to be written; if that one has
                changed, it is not opened again.
        """
        for left in reversed(range(MAX_ATTEMPTS)):
            try:
                return resolve(
                    self.files,
                    self._pieces,
                    self._settings.timestamp,
                    self._folder,
                    hard=self._hard,
                    protected=self._context.not_staged
                    if self._context.snapshot
                    else None,
                    overtaken={
                        key
                        for key, file in self.files.items()
                        if file.version != self._opened.get(key)
                    },
                    at=self._context.at,
                )
            except (CorruptCheckpoint, StorageUnavailable):
                others = {
                    key: now
                    for key, file in self.files.items()
                    if key != written
                    and (now := self._sink.opened(key)).version != file.version
                }
                if not others or not left:
                    raise
                self.files.update(others)
        raise AssertionError  # pragma: no cover - the last try returns or raises

    def _deleted(self, file: Checkpoint, plan: FilePlan) -> int:
        """Return how many rows there are that were not read and not deleted before."""
        if not file.rows:
            return 0
        with parquet_errors.reading(file.uri):
            live = file.numbered(AT).select(pl.col(DELETED_AT).is_null().sum())
            return int(live.collect(engine="streaming").item()) - plan.known_live

    def _check_same(self, file: Checkpoint) -> None:
        """Raise if what was looked at may have been another version of the file.

        Raises:
            CommitConflict: Another run has written it.
        """
        entry = self._sink.store.head(file.key) if file.version else None
        if file.version and not (entry and same_version(entry.version, file.version)):
            raise CommitConflict(f"{file.uri}: another run has written it")

    def _rewritten(
        self, file: Checkpoint, staying: StayingRows, state: str | None, kept: int
    ) -> Checkpoint:
        """Return the file with other rows or another state."""
        timestamp, store = self._settings.timestamp, self._sink.store
        began = time.time()
        with store.temp_path(file.key) as scratch:
            try:
                old = staying.of(file.frames())
                written = self._merge(file, old, state, scratch, kept)
            except OutOfOrderError:
                frames = staying.of(file.frames(ordered=False))
                with sort_frames(frames, timestamp, READ_ROWS) as old:
                    written = self._merge(file, old, state, scratch, kept)
                _log.warning(
                    "%s: its rows were not in order; they are sorted", file.uri
                )
            self.spans.append((began, time.time()))
            size = scratch.stat().st_size
            version = store.put(file.key, scratch, if_version=file.version)
        if file.form and file.upgrades:
            _log.warning("%s: upgraded: %s", file.uri, file.form.describe())
        return Checkpoint(
            store,
            file.key,
            timestamp,
            version,
            size,
            written.rows,
            written.newest,
            state=state,
        )

    def _merge(
        self,
        file: Checkpoint,
        old: Iterator[pl.DataFrame],
        state: str | None,
        scratch: Path,
        kept: int,
    ) -> Written:
        """Write rows that stay and staged ones to `scratch`."""
        settings, form = self._settings, file.form
        new: Iterator[pl.DataFrame] = iter(())
        if kept and self._resolution:
            pieces = [piece for piece in self._pieces if piece.key == file.key]
            new = in_order(
                pieces,
                settings.timestamp,
                merge_rows(pieces),
                self._resolution.skipped,
            )
        return write_rows(
            merge(
                old,
                (form.extended(frame) if form else frame for frame in new),
                settings.timestamp,
            ),
            form.schema if form else self._sink.schema,
            scratch,
            settings.timestamp,
            settings.compression,
            state,
        )

    # -- several files -----------------------------------------------------------------

    def _find_others(self) -> None:
        """Open files that are there by now: a row may have gone from here to there."""
        found = self._sink.changed(self.files) - self.files.keys()
        files = {**self.files, **{key: self._sink.opened(key) for key in found}}
        self.files = dict(sorted(files.items()))

    def _moves(self) -> bool:
        """Return whether a row goes from one file to another."""
        plans = self._resolution.plans.values() if self._resolution else ()
        return any(len(plan.moved) or len(plan.tied) for plan in plans)

    def _settle(self, overtaken: Set[str]) -> None:
        """Leave out rows whose newest version is in another file by now.

        A row of the same version that another run has just written stays: that run may
        leave out the other one.
        """
        self._resolution = None
        keys = sorted(self.files.keys() | overtaken)
        self.files = {key: self._sink.opened(key) for key in keys}

        def drop(file: Checkpoint, again: bool) -> Checkpoint:
            plan = self._plan(file)
            tied = plan.tied.clear() if again or file.key in overtaken else plan.tied
            dropped = pl.concat([plan.moved, plan.stale, tied]).sort()
            if not len(dropped):
                return file
            staying = StayingRows(replace(plan, dropped=dropped), None, hard=self._hard)
            return self._rewritten(file, staying, file.state, 0)

        for key, file in list(self.files.items()):
            self.files[key] = self._sink.attempt(file, drop)
