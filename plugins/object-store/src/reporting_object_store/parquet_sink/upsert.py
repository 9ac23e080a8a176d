"""Commit of ``upsert``: the newest version of each source key stays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import replace
from datetime import UTC, datetime

import polars as pl

from reporting_framework import DELETED_AT
from reporting_framework.errors import (
    CommitConflict,
    CorruptCheckpoint,
    StorageUnavailable,
)
from reporting_framework.storage import parquet_errors, same_version
from reporting_object_store.parquet_sink.checkpoint import (
    MAX_ATTEMPTS,
    Checkpoint,
)
from reporting_object_store.parquet_sink.commit_results import CommittedFile
from reporting_object_store.parquet_sink.file_commit import FileCommit
from reporting_object_store.parquet_sink.resolution import (
    FilePlan,
    Resolution,
    resolve,
)
from reporting_object_store.parquet_sink.rewrite import (
    StayingRows,
)
from reporting_object_store.parquet_sink.staged_keys import AT


class UpsertCommit(FileCommit):
    """One commit of staged rows; the newest version of each source key stays."""

    _resolution: Resolution | None = None
    _late = False  # whether another run has written a file since this one began

    @property
    def _hard(self) -> bool:
        return bool(self._settings.deletes == "hard")

    def run(self) -> Mapping[str, CommittedFile]:
        """Commit each file.

        A row whose newest version is in another file is removed after that file was
        written.
        """
        done: dict[str, CommittedFile] = {}
        if self._context.snapshot and self._sink.layout.columns:
            self._late = bool(self._sink.changed(self.files))
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
            key: done.get(key, CommittedFile(file, overtaken=True))._replace(file=file)
            for key, file in self.files.items()
        }

    # -- one file ----------------------------------------------------------------------

    def _write(self, file: Checkpoint, overtaken: bool) -> CommittedFile:
        """Write a file if its rows or state change."""
        overtaken |= file.version != self._opened.get(file.key)
        self._late |= overtaken
        plan = self._plan(file)
        state, at = file.state, None
        if not overtaken:
            state = self._state_after(file)
            if self._context.snapshot and not self._late:
                at = self._context.at or datetime.now(UTC)
        gone = self._deleted(file, plan) if at else 0
        done = CommittedFile(
            file,
            plan.counts._replace(deleted=plan.counts.deleted + gone),
            plan.duplicates,
            overtaken,
        )
        changes = (
            plan.kept or len(plan.dropped) or gone or (self._hard and file.deleted)
        )
        if not changes and state == file.state:
            self._check_same(file)
            return done
        staying = StayingRows(plan, at if gone else None, hard=self._hard)
        return done._replace(file=self._rewritten(file, staying, state, plan.kept))

    def _plan(self, file: Checkpoint) -> FilePlan:
        """Return the plan for a file in this version."""
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

        A read of a file may return parts of two versions.

        Args:
            written: Key of the file that is about to be written; it is not opened again
                if it has changed.
        """
        for left in reversed(range(MAX_ATTEMPTS)):
            try:
                return resolve(
                    self.files,
                    self._pieces,
                    self._sink.timestamp,
                    self._area.folder(),
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
        """Return the number of rows that were neither read nor deleted before."""
        if not file.rows:
            return 0
        with parquet_errors.reading(file.uri):
            live = file.numbered(AT).select(pl.col(DELETED_AT).is_null().sum())
            return int(live.collect(engine="streaming").item()) - plan.known_live

    def _check_same(self, file: Checkpoint) -> None:
        """Check that the file was not replaced while it was read.

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

        def new() -> Iterator[pl.DataFrame]:
            if kept and self._resolution:
                return self._staged_rows(file.key, self._resolution.skipped)
            return iter(())

        return self._merged(file, state, new, staying.of)

    # -- several files -----------------------------------------------------------------

    def _find_others(self) -> None:
        """Open files that have been created since: rows may have moved to them."""
        changed = self._sink.changed(self.files) - self.files.keys()
        files = {**self.files, **{key: self._sink.opened(key) for key in changed}}
        self.files = dict(sorted(files.items()))

    def _moves(self) -> bool:
        """Return whether a row moves from one file to another."""
        plans = self._resolution.plans.values() if self._resolution else ()
        return any(len(plan.moved) or len(plan.tied) for plan in plans)

    def _settle(self, overtaken: Set[str]) -> None:
        """Leave out rows whose newest version is now in another file.

        A row of the same version that another run has just written stays, as that run
        may leave out the other row.
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
