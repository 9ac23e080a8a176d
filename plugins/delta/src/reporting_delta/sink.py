"""Sink ``delta-table``: a table of Delta Lake."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, ClassVar

import polars as pl
from typing_extensions import override

from reporting_datasets.parquet_sink.ledger import DatasetLedger
from reporting_datasets.parquet_sink.partitions import Partitions
from reporting_datasets.parquet_sink.scan import dataset_files
from reporting_delta.column_types import stored_schema
from reporting_delta.commit import DeltaCommit, Done, Planned
from reporting_delta.data_files import DeltaFiles
from reporting_delta.maintenance import DeltaMaintenance
from reporting_delta.place import DeltaPlace
from reporting_delta.run_plan import RunPlan
from reporting_delta.scan import scan_table
from reporting_delta.schema_changes import check_types, joined
from reporting_delta.schema_checks import check_settings
from reporting_delta.settings import DeltaTableSinkSettings
from reporting_delta.snapshot import Snapshot, parse_version, read_snapshot
from reporting_delta.staging import (
    ABANDONED_SECONDS,
    Staged,
    Stager,
    remove_staged,
)
from reporting_delta.vacuum import remove_abandoned
from reporting_framework import (
    ROWS_ONLY,
    CommitContext,
    CommitResult,
    MetadataLocation,
    Permission,
    Split,
    StagedPart,
    WriteMode,
)
from reporting_framework.errors import (
    CorruptCheckpoint,
    ReportingError,
    SettingsError,
)
from reporting_framework.plugin_api.result import Output
from reporting_framework.storage import (
    ParquetSnapshot,
    permissions,
    row_versions,
)


class DeltaTableSink(DeltaMaintenance):
    """Sink of a Delta Lake table, in a folder or in S3.

    Staged parts are data files in the folder of the table. A commit adds those without
    a known source key as they are, and writes the rows of the others again. It succeeds
    only as the version after the one that it was planned from.
    """

    name: ClassVar[str] = "delta-table"
    Settings: ClassVar[type[DeltaTableSinkSettings]] = DeltaTableSinkSettings
    write_modes: ClassVar[frozenset[WriteMode]] = frozenset(
        {"append", "upsert", "replace"}
    )

    def __init__(self, settings: DeltaTableSinkSettings) -> None:
        super().__init__(settings)
        self._mode: WriteMode = "append"
        self._stager: Stager | None = None
        self._starting = threading.Lock()
        self._leads = False
        self._version: Snapshot | None = None

    @classmethod
    def aws_permissions(cls, settings: DeltaTableSinkSettings) -> Sequence[Permission]:
        """See `Plugin.aws_permissions`; the metadata is beside the table."""
        home = DeltaPlace.parse(settings.uri).home
        return [*permissions.writing(home), *permissions.deleting(home)]

    @classmethod
    def table_folder(cls, settings: DeltaTableSinkSettings) -> str | None:
        """See `Sink.table_folder`: earlier versions are in the folder too."""
        return None

    @classmethod
    @override
    def check_schema(
        cls,
        settings: DeltaTableSinkSettings,
        schema: pl.Schema,
        mode: WriteMode = "append",
    ) -> None:
        check_settings(cls.name, settings, schema)

    @override
    def open(
        self,
        schema: pl.Schema,
        mode: WriteMode = "append",
        primary_key: Sequence[str] = (),
    ) -> None:
        self.check_schema(self.settings, schema, mode)
        self._mode, self._wanted = mode, schema
        rows = stored_schema(self.name, schema)
        if mode == "upsert":
            rows = pl.Schema({**rows, **row_versions.VERSION_COLUMNS})
        self._rows, self._opened = rows, None

    def metadata_location(self) -> MetadataLocation:
        """See `Sink.metadata_location`: the folder that holds the table's folder."""
        return self.place.metadata

    # -- a run -------------------------------------------------------------------------

    @override
    def ledger(self) -> DatasetLedger:
        self._leads = True
        self._opened = self._read()
        snapshot = self._read_once()
        self._check_table(snapshot)
        manifest = self._present().manifest
        return DatasetLedger(self._files(snapshot), manifest, self.settings.timestamp)

    @override
    def load_state(self) -> Mapping[str, Any] | None:
        return self._present().manifest.state

    def _check_table(self, snapshot: Snapshot) -> None:
        """Refuse rows that do not fit the table.

        Raises:
            SettingsError: The table has another partition.
            CorruptCheckpoint: It has columns of other types.
        """
        wanted, found = self.settings.partition_by, snapshot.manifest.partition_by
        if snapshot.handle is not None and wanted != found:
            raise SettingsError(
                f"sink {self.name}: partition_by is {', '.join(wanted) or 'no column'},"
                f" and the table {self.place.folder.uri} has"
                f" {', '.join(found) or 'no column'}; set it back, or choose another"
                " folder",
                path=("partition_by",),
            )
        check_types(self.place.folder.uri, self._kept(snapshot), self._rows)

    def _kept(self, snapshot: Snapshot) -> pl.Schema:
        """Return the columns of the table that stay."""
        return pl.Schema() if self._mode == "replace" else snapshot.schema

    def _schema(self, snapshot: Snapshot) -> pl.Schema:
        """Return the columns of the rows and the other columns of the table."""
        return joined(self._kept(snapshot), self._rows)

    def _files(self, snapshot: Snapshot, versions: bool = False) -> DeltaFiles:
        schema = self._schema(snapshot)
        if versions:
            schema = pl.Schema({**schema, **row_versions.VERSION_COLUMNS})
        return DeltaFiles(self.place, schema, self.settings.partition_by)

    @override
    def stage(self, frame: pl.DataFrame, split: Split, part: int) -> StagedPart:
        snapshot = self._read_once()
        types = self._schema(snapshot)
        rows = frame.select(
            pl.col(name).cast(types.get(name, kind))
            for name, kind in frame.schema.items()
        )
        return StagedPart(frame.height, self._started().stage(rows))

    def _started(self) -> Stager:
        with self._starting:
            if self._stager is None:
                self._stager = Stager(
                    self.place,
                    Partitions(self.settings.partition_by),
                    self._writer,
                    self._mode != "append",
                )
            return self._stager

    @override
    def commit(
        self,
        staged_parts: Sequence[StagedPart],
        context: CommitContext = ROWS_ONLY,
    ) -> CommitResult:
        self._leads = True
        opened = self._read_once()
        staged: Sequence[Staged] = [part.data for part in staged_parts]
        idle = not (staged or context.state or context.snapshot)
        if idle and self._mode != "replace":
            none = Planned(self._nothing(opened))
            return self._result(Done(opened, none, False, []))
        if self._stager is not None:
            self._stager.check()
        commit = DeltaCommit(
            self.log,
            self._read,
            opened,
            self._rows,
            self.settings.partition_by,
            self.settings.table_properties,
            self._plan(staged, context, opened).planned,
            replaces=self._mode == "replace",
        )
        self._leads = False  # files of a commit without an answer must stay
        try:
            done = commit.run()
        except BaseException:
            self._leads = not commit.uncertain
            raise
        self._opened = done.snapshot
        self._settle(staged, {file.file.key for file in done.planned.adopted})
        return self._result(done)

    def _plan(
        self, staged: Sequence[Staged], context: CommitContext, opened: Snapshot
    ) -> RunPlan:
        return RunPlan(
            self.settings,
            self._mode,
            staged,
            context,
            opened,
            self._area,
            self._writer,
            files_of=self._files,
            check=self._check_table,
        )

    def _settle(self, staged: Sequence[Staged], kept: set[str]) -> None:
        """Remove staged files that are not in the table; the commit is done."""
        with suppress(ReportingError):  # a later run removes the rest
            if self._stager is not None:
                self._stager.settle(kept)
            folders: dict[str, set[str]] = {}
            for part in staged:
                names = {file.file.partition for file in part.files}
                folders.setdefault(part.run, set()).update(names)
            own = self._stager.run if self._stager is not None else ""
            for run, names in folders.items():
                if run != own:
                    remove_staged(self.place, run, names, kept)
            remove_abandoned(self.log, ABANDONED_SECONDS)

    def _result(self, done: Done) -> CommitResult:
        manifest, change = done.snapshot.manifest, done.planned.change
        upserts = self._mode == "upsert"
        outputs = [
            Output(
                uri=self.place.folder.uri,
                rows=manifest.rows - manifest.deleted,
                deleted_rows=manifest.deleted if upserts else None,
                new_rows=change.counts.inserted,
                bytes=manifest.size,
                version=manifest.version,
            )
        ]
        return CommitResult(
            outputs if manifest.exists else [],
            change.duplicates,
            manifest.newest,
            [("merge", span) for span in done.spans],
            upserted=change.counts if upserts else None,
            overtaken=done.overtaken,
        )

    @override
    def output_versions(self) -> Mapping[str, str | None]:
        manifest = self._read_once().manifest
        return {self.place.name: manifest.version} if manifest.exists else {}

    # -- queries -----------------------------------------------------------------------

    @override
    def select_version(self, version: str) -> None:
        wanted = parse_version(version)
        try:
            self._version = read_snapshot(self.log, self.settings.timestamp, wanted)
        except CorruptCheckpoint as error:
            raise SettingsError(
                f"{self.place.folder.uri}: version {version} cannot be read; choose"
                " another one: earlier versions are kept for keep_versions_hours"
            ) from error

    def _readable(self) -> Snapshot:
        return self._read() if self._version is None else self._version

    @override
    def parquet_files(self) -> Sequence[ParquetSnapshot]:
        snapshot = self._readable()
        if not snapshot.manifest.exists or self.settings.partition_by:
            return []  # the values of a partition are not in the files
        return dataset_files(self._files(snapshot), snapshot.manifest)

    @override
    def scan(self) -> pl.LazyFrame | None:
        snapshot = self._readable()
        if not snapshot.manifest.exists:
            return None
        return scan_table(self._files(snapshot), snapshot.manifest, self._scanned)

    @property
    def _scanned(self) -> pl.Schema:
        """First columns of `scan`."""
        more = row_versions.VERSION_COLUMNS if self._mode == "upsert" else {}
        return pl.Schema({**self._wanted, **more})

    @override
    def close(self) -> None:
        if self._stager is not None and self._leads:
            with suppress(ReportingError):  # a later run removes the rest
                self._stager.settle(set())
        self._area.clear()
