"""Commit to a Delta table: plan from one version, and write the next one."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

import polars as pl
from deltalake.transaction import AddAction, RemoveAction

from reporting_datasets.parquet_sink.commit import Change
from reporting_datasets.parquet_sink.manifest import DataFile, Manifest
from reporting_delta.column_types import delta_schema
from reporting_delta.log import DeltaLog, Write, encoded
from reporting_delta.schema_changes import added_columns
from reporting_delta.snapshot import DeltaFile, Snapshot, label
from reporting_delta.staging import StagedFile
from reporting_delta.writing import DeltaWritten
from reporting_framework.errors import (
    CommitConflict,
    CorruptCheckpoint,
    ReportingError,
    StorageUnavailable,
)
from reporting_framework.storage import commit_attempts


class Planned(NamedTuple):
    """Plan of a commit for one version.

    Attributes:
        change: Change of the version; its new files are not written yet.
        adopted: Staged files that are added as they are.
        data_change: Whether rows change; False for a compaction.
    """

    change: Change
    adopted: Sequence[StagedFile] = ()
    data_change: bool = True


class Done(NamedTuple):
    """Result of a commit.

    Attributes:
        snapshot: The version after it.
        planned: The plan that was carried out.
        overtaken: Whether another program has committed since the table was opened.
        spans: Times of writing.
    """

    snapshot: Snapshot
    planned: Planned
    overtaken: bool
    spans: Sequence[tuple[float, float]]


@dataclass(slots=True)
class DeltaCommit:
    """One commit.

    Attributes:
        log: Log of the table.
        read: Function that reads the present version.
        opened: Version that the run has opened.
        schema: Columns of the rows.
        partition_by: Columns of the partition.
        properties: Properties of a new table.
        plan: Function that plans the change of a version. Its second argument is
            whether another program has committed since the table was opened.
        replaces: Whether the rows become the table.
        uncertain: Whether a commit may still become visible: no answer came. Its files
            must then stay.
    """

    log: DeltaLog
    read: Callable[[], Snapshot]
    opened: Snapshot
    schema: pl.Schema
    partition_by: Sequence[str]
    properties: Mapping[str, str]
    plan: Callable[[Snapshot, bool], Planned]
    replaces: bool = False
    uncertain: bool = False
    _spans: list[tuple[float, float]] = field(default_factory=list)
    _last: tuple[Write, Planned, Snapshot] | None = None

    def run(self) -> Done:
        """Plan and write, again and again while other programs win the race.

        Raises:
            CommitConflict: Others won all races, or the table was removed.
        """
        present = self.opened
        for attempt in commit_attempts(self.log.uri):
            if attempt:
                present = self.read()
                if (done := self._landed(present)) is not None:
                    return done
            if self.opened.manifest.exists and not present.manifest.exists:
                raise CommitConflict(
                    f"{self.log.uri}: it was removed while this run was under way, and"
                    " nothing was written; run again"
                )
            try:
                return self._attempt(present)
            except CommitConflict:
                pass  # the next attempt plans from the later version
            except (CorruptCheckpoint, StorageUnavailable):
                # A file that was read may have been removed after a later commit.
                if self.read().version == present.version:
                    raise
        raise AssertionError  # pragma: no cover - the attempts end with an error

    def _attempt(self, present: Snapshot) -> Done:
        present = self._with_columns(present)
        overtaken = present.version != self.opened.version
        planned = self.plan(present, overtaken)
        change = planned.change
        if change.empty and not planned.adopted and present.handle is not None:
            return Done(present, planned, overtaken, self._spans)
        after = self._commit(present, planned)
        return Done(after, planned, overtaken, self._spans)

    def _landed(self, present: Snapshot) -> Done | None:
        """Return the result of the last attempt, if it was done without an answer."""
        if not self.uncertain or self._last is None:
            return None
        write, planned, before = self._last
        found = self.log.landed(write, before.version)
        if found is None and present.version == before.version:
            return None
        self.uncertain = False  # the version that it was made for is taken
        if found is None:
            return None
        overtaken = before.version != self.opened.version
        return Done(present, planned, overtaken, self._spans)

    def _with_columns(self, present: Snapshot) -> Snapshot:
        """Return the version after the table has all columns of the rows."""
        if present.handle is None or self._overwrites(present):
            return present
        fields = added_columns(self.log.uri, present.schema, self.schema)
        if not fields:
            return present
        before = present.version
        self.log.add_columns(present.handle, fields)
        after = self.read()
        if after.version == before + 1 and self.opened.version == before:
            self.opened = after
        return after

    def _overwrites(self, present: Snapshot) -> bool:
        """Return whether a commit sets the columns too."""
        return self.replaces or not present.manifest.exists

    def _commit(self, present: Snapshot, planned: Planned) -> Snapshot:
        run, change = uuid.uuid4().hex, planned.change
        written: list[tuple[str, DeltaWritten, int]] = []
        state = self._new_state(change)
        try:
            self._write(run, change, written)
            write = self._content(run, planned, written, state)
            write = write._replace(replaces=self._overwrites(present))
            self._last = write, planned, present
            version = self._publish(present, write)
        except Exception:
            if not self.uncertain:
                self._undo(written, state)
            raise
        added = [
            DeltaFile.of(rows.values, key, *rows[1:3], size, *rows[3:6], 0)
            for key, rows, size in written
        ]
        added += [file for file, _ in planned.adopted]
        return self._after(present, change, added, version)

    def _after(
        self,
        present: Snapshot,
        change: Change,
        added: Sequence[DataFile],
        version: int,
    ) -> Snapshot:
        """Return the version after a commit, without reading it again."""
        gone = {file.key for file in change.removed}
        files = [file for file in present.manifest.files if file.key not in gone]
        manifest = Manifest(
            files=(*files, *added),
            partition_by=tuple(self.partition_by),
            state=change.state,
            version=str(version),
        )
        columns = self.schema if self._overwrites(present) else present.schema
        return Snapshot(None, manifest, columns)

    def _undo(
        self, written: Sequence[tuple[str, DeltaWritten, int]], state: int | None
    ) -> None:
        """Remove the files of an attempt that has failed."""
        with suppress(ReportingError):  # `reporting compact` removes the rest
            for key, _, _ in written:
                self._remove(self.log.place.key(key))
            if state:
                self._remove(self.log.place.state(state))

    def _publish(self, present: Snapshot, write: Write) -> int:
        new = present.handle is None or write.replaces
        schema = delta_schema(self.schema if new else present.schema)
        try:
            if present.handle is None:
                return self.log.create(
                    schema, self.partition_by, self.properties, write
                )
            return self.log.commit(present.handle, schema, write)
        except ReportingError as error:
            # The answer to a write that was done may be lost, and a write without an
            # answer may still be done, unless another one has taken the version.
            self.uncertain = not isinstance(error, CommitConflict)
            if (version := self.log.landed(write, present.version)) is None:
                raise
            self.uncertain = False
            return version

    def _new_state(self, change: Change) -> int | None:
        """Write a new source state; return its number, `None` if it is the same."""
        if change.state == change.manifest.state:
            return None
        if change.state is None:
            return 0
        number = random.SystemRandom().randrange(1, 2**62)
        place = self.log.place
        place.store.put(place.state(number), encoded(change.state), if_version=None)
        return number

    def _write(
        self, run: str, change: Change, written: list[tuple[str, DeltaWritten, int]]
    ) -> None:
        """Write the new files of a change into their places."""
        if change.write is None:
            return
        began, place = time.time(), self.log.place
        for number, (_, _, rows) in enumerate(change.write()):
            if not isinstance(rows, DeltaWritten):  # pragma: no cover
                raise TypeError
            folder = label(rows.values)
            key = f"{folder}/{run}-{number}.parquet".lstrip("/")
            size = rows.path.stat().st_size
            place.store.put(place.key(key), rows.path, if_version=None)
            written.append((key, rows, size))
        self._spans.append((began, time.time()))

    def _content(
        self,
        run: str,
        planned: Planned,
        written: Sequence[tuple[str, DeltaWritten, int]],
        state: int | None,
    ) -> Write:
        now, changes = int(time.time() * 1000), planned.data_change
        added = [
            AddAction(key, size, rows.values, now, changes, rows.stats)
            for key, rows, size in written
        ]
        added += [
            AddAction(file.key, file.bytes, file.values, now, changes, stats)
            for file, stats in planned.adopted
        ]
        removed = [removal(file, now, changes) for file in planned.change.removed]
        return Write(run, added, removed, state)

    def _remove(self, key: str) -> None:
        self.log.place.store.delete(key, if_version=None)


def removal(file: DataFile, now: int, data_change: bool) -> RemoveAction:
    """Return the removal of a file of the table."""
    values = file.values if isinstance(file, DeltaFile) else {}
    return RemoveAction(file.key, data_change, now, file.bytes, dict(values))
