"""Maintenance of a Delta table: compaction, backup, reset and health checks."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import polars as pl
from typing_extensions import override

from reporting_datasets.parquet_sink.commit import Change
from reporting_datasets.parquet_sink.compaction import CompactionPlanner
from reporting_datasets.staging import StagingArea
from reporting_delta.backup import copy_table, moment
from reporting_delta.column_types import delta_schema
from reporting_delta.commit import DeltaCommit, Planned, removal
from reporting_delta.data_files import DeltaFiles
from reporting_delta.log import DeltaLog, Write
from reporting_delta.place import DeltaPlace
from reporting_delta.settings import DeltaTableSinkSettings
from reporting_delta.snapshot import Snapshot, read_snapshot
from reporting_delta.vacuum import vacuum
from reporting_delta.writing import DeltaWriter
from reporting_framework import SOURCE_KEY, Sink
from reporting_framework.errors import CommitConflict
from reporting_framework.plugin_api.records import (
    CheckResult,
    CompactResult,
    StoredArtifact,
)
from reporting_framework.storage import (
    backup,
    commit_attempts,
    parquet_errors,
    same_version,
    write_check,
)


class DeltaMaintenance(Sink):
    """Part of the sink ``delta-table`` for its maintenance.

    `reporting compact`, `reporting state` and `reporting doctor` use it.
    """

    settings: DeltaTableSinkSettings

    def __init__(self, settings: DeltaTableSinkSettings) -> None:
        self.settings = settings
        self.place = DeltaPlace.parse(settings.uri)
        self.log = DeltaLog(self.place)
        self._area = StagingArea()
        self._rows = pl.Schema()
        self._opened: Snapshot | None = None

    def _read(self) -> Snapshot:
        return read_snapshot(self.log, self.settings.timestamp)

    def _read_once(self) -> Snapshot:
        """Return the version that the run has opened."""
        if self._opened is None:
            self._opened = self._read()
        return self._opened

    def _present(self) -> Snapshot:
        """Return the same; an empty one after a reset."""
        snapshot = self._read_once()
        return snapshot if snapshot.manifest.exists else Snapshot()

    def _nothing(self, snapshot: Snapshot) -> Change:
        manifest = snapshot.manifest
        return Change([], [], None, manifest, manifest.state)

    @property
    def _writer(self) -> DeltaWriter:
        settings = self.settings
        return DeltaWriter.of(
            settings.timestamp, settings.compression, settings.partition_by
        )

    # -- compaction --------------------------------------------------------------------

    @override
    def compact(self) -> CompactResult:
        first = present = self._read()
        uri = self.place.folder.uri
        if not first.manifest.exists:
            return CompactResult(uri, 0, 0)
        if self.settings.z_order_by:
            self._sort(present)
            present = self._read()
        else:
            while True:  # merged files may be smaller than expected
                before, present = present, self._merged(present)
                if present.version == before.version:
                    break
                present = self._read()
        if present.handle is not None:
            with self.log.reading():
                vacuum(self.place, present.handle, self.settings.keep_versions_hours)
        self._opened = None
        files = len(first.manifest.files), len(present.manifest.files)
        return CompactResult(uri, *files)

    def _merged(self, present: Snapshot) -> Snapshot:
        """Merge small files of each partition."""

        def planned(snapshot: Snapshot, overtaken: bool) -> Planned:
            schema = snapshot.schema
            files = DeltaFiles(self.place, schema, self.settings.partition_by)
            target = self.settings.target_file_bytes
            planner = CompactionPlanner(files, self._area, self._writer, target)
            change = planner.change(snapshot.manifest, overtaken)
            return Planned(change, data_change=False)

        done = DeltaCommit(
            self.log,
            self._read,
            present,
            present.schema,
            self.settings.partition_by,
            {},
            planned,
        ).run()
        return done.snapshot

    def _sort(self, present: Snapshot) -> None:
        """Sort rows by several columns, unless nothing has changed since."""
        for _ in commit_attempts(self.log.uri):
            handle = self._read().handle
            if handle is None:
                return
            last = self.log.commit_info(handle.version()).get("operation")
            if last in ("OPTIMIZE", "VACUUM START", "VACUUM END"):
                return
            try:
                with self.log.committing():
                    handle.optimize.z_order(
                        list(self.settings.z_order_by),
                        target_size=self.settings.target_file_bytes,
                    )
            except CommitConflict:
                continue  # another run has removed a file
            return

    # -- backup and reset --------------------------------------------------------------

    @override
    def stored_artifacts(self) -> Sequence[StoredArtifact]:
        snapshot = self._read()
        manifest = snapshot.manifest
        if snapshot.handle is None or not manifest.exists:
            return []
        at = self.log.commit_info(snapshot.version).get("timestamp")
        return [
            StoredArtifact(
                "output",
                self.place.folder.uri,
                manifest.rows - manifest.deleted,
                manifest.size,
                manifest.version,
                manifest.newest,
                moment(at),
            )
        ]

    @override
    def back_up(
        self, stored_artifacts: Sequence[StoredArtifact], name: str
    ) -> Sequence[str]:
        return [
            copy_table(self.log, self._unchanged(artifact), name)
            for artifact in stored_artifacts
        ]

    def _unchanged(self, artifact: StoredArtifact) -> Snapshot:
        """Return the table, in the version of the artifact.

        Raises:
            CommitConflict: It has another version, or there is none.
        """
        snapshot = self._read()
        if artifact.uri != self.place.folder.uri or not snapshot.manifest.exists:
            raise backup.gone(artifact)
        if not same_version(snapshot.manifest.version, artifact.version):
            raise backup.changed(artifact)
        return snapshot

    @override
    def remove(self, stored_artifacts: Sequence[StoredArtifact]) -> None:
        for artifact in stored_artifacts:
            snapshot, now = self._unchanged(artifact), int(time.time() * 1000)
            if snapshot.handle is None:  # pragma: no cover - it was unchanged
                continue
            removed = [removal(file, now, True) for file in snapshot.manifest.files]
            write = Write(uuid.uuid4().hex, (), removed, 0, reset=True)
            try:
                self.log.commit(snapshot.handle, delta_schema(snapshot.schema), write)
            except CommitConflict:
                raise backup.changed(artifact) from None
        self._opened = None

    # -- health checks -----------------------------------------------------------------

    @override
    def health_checks(self, *, write: bool) -> Mapping[str, Callable[[], CheckResult]]:
        return {
            "delta table": self._check_files,
            "conditional writes": partial(write_check.written, self.place.store)
            if write
            else write_check.unknown_without_writing,
        }

    def _check_files(self) -> CheckResult:
        """Read all files, and compare them with their checksums and the log."""
        snapshot = self._read()
        manifest = snapshot.manifest
        if not manifest.exists:
            return CheckResult("ok", "there is none yet")
        files = DeltaFiles(self.place, snapshot.schema, manifest.partition_by)
        for file in manifest.files:
            files.check(file)
        uri, rows = self.place.folder.uri, manifest.rows
        if manifest.files:
            keys = [files.scan([file]).select(SOURCE_KEY) for file in manifest.files]
            counts = pl.concat(keys).select(
                pl.len(), keys=pl.col(SOURCE_KEY).n_unique()
            )
            with parquet_errors.reading(uri):
                found, distinct = counts.collect(engine="streaming").row(0)
            if (found, distinct) != (rows, rows):
                return CheckResult(
                    "fail",
                    f"{uri}: {found:,} rows with {distinct:,} source keys; the log has"
                    f" {rows:,}",
                    "keep a copy, then reset the report: the next run reads everything",
                )
        live = rows - manifest.deleted
        return CheckResult(
            "ok", f"{uri}: {live:,} rows in {len(manifest.files):,} files"
        )
