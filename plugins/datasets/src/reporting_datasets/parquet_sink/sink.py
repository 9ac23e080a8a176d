"""Sink ``parquet-dataset``: a folder of parquet files, committed by a manifest."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import polars as pl
from typing_extensions import override

from reporting_datasets.parquet_sink.commit import Change, DatasetCommit, Done
from reporting_datasets.parquet_sink.compaction import CompactionPlanner
from reporting_datasets.parquet_sink.data_files import DataFiles
from reporting_datasets.parquet_sink.ledger import DatasetLedger
from reporting_datasets.parquet_sink.maintenance import DatasetMaintenance
from reporting_datasets.parquet_sink.manifest import Manifest
from reporting_datasets.parquet_sink.partitions import Partitions
from reporting_datasets.parquet_sink.place import Place
from reporting_datasets.parquet_sink.planning import RunPlanner
from reporting_datasets.parquet_sink.scan import dataset_files, scan_dataset
from reporting_datasets.parquet_sink.writing import FileWriter
from reporting_datasets.settings import ParquetDatasetSettings
from reporting_datasets.staging import Piece, StagingArea
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
from reporting_framework.errors import SettingsError
from reporting_framework.plugin_api.records import CompactResult
from reporting_framework.plugin_api.result import Output
from reporting_framework.storage import ParquetSnapshot, permissions, row_versions


class ParquetDataset(DatasetMaintenance):
    """Sink of a folder of parquet files, in Hive partitions.

    The manifest names the files of the table. A commit writes new files, and then the
    manifest in one conditional write; whoever loses the race plans again. Files are
    never changed: a file with changed rows is replaced by another one.
    """

    name: ClassVar[str] = "parquet-dataset"
    Settings: ClassVar[type[ParquetDatasetSettings]] = ParquetDatasetSettings
    write_modes: ClassVar[frozenset[WriteMode]] = frozenset(
        {"append", "upsert", "replace"}
    )

    def __init__(self, settings: ParquetDatasetSettings) -> None:
        super().__init__(settings)
        self._area = StagingArea()
        self._mode: WriteMode = "append"

    @classmethod
    def aws_permissions(cls, settings: ParquetDatasetSettings) -> Sequence[Permission]:
        """See `Plugin.aws_permissions`; the metadata is beside the dataset."""
        home = Place.parse(settings.uri).home
        return [*permissions.writing(home), *permissions.deleting(home)]

    @classmethod
    def table_folder(cls, settings: ParquetDatasetSettings) -> str:
        """See `Sink.table_folder`."""
        return Place.parse(settings.uri).folder.uri

    @override
    def open(
        self,
        schema: pl.Schema,
        mode: WriteMode = "append",
        primary_key: Sequence[str] = (),
    ) -> None:
        self.check_schema(self.settings, schema, mode)
        self._partitions = Partitions(self.settings.partition_by)
        self._mode = mode
        self._schema = (
            pl.Schema({**schema, **row_versions.VERSION_COLUMNS})
            if mode == "upsert"
            else schema
        )
        self._opened = None

    @classmethod
    @override
    def check_schema(
        cls,
        settings: ParquetDatasetSettings,
        schema: pl.Schema,
        mode: WriteMode = "append",
    ) -> None:
        Partitions(settings.partition_by).check(schema)
        name = settings.timestamp
        dtype = schema.get(name) if name is not None else None
        if name is not None and not (
            isinstance(dtype, pl.Datetime) and dtype.time_zone is not None
        ):
            raise SettingsError(
                f"sink {cls.name}: timestamp: there is no column {name} of a date and"
                " time with a time zone; name another one",
                path=("timestamp",),
            )

    def metadata_location(self) -> MetadataLocation:
        """See `Sink.metadata_location`: the folder that holds the dataset's folder."""
        return self.place.metadata

    # -- a run -------------------------------------------------------------------------

    @override
    def ledger(self) -> DatasetLedger:
        self._opened = self.manifests.read()
        manifest = self._present()
        self._check_partitions(manifest)
        files = self._files()
        timestamp, read = self.settings.timestamp, self.manifests.read
        ledger = DatasetLedger(files, manifest, timestamp, read)
        if not self._replaces:
            ledger.look(files.check_values)
        return ledger

    def _check_partitions(self, manifest: Manifest) -> None:
        """Refuse folders of two kinds, which most readers cannot read as one table.

        Raises:
            SettingsError: The files are in folders of other columns.
        """
        wanted = self.settings.partition_by
        if manifest.files and manifest.partition_by != wanted and not self._replaces:
            found = ", ".join(manifest.partition_by) or "no column"
            raise SettingsError(
                f"sink {self.name}: partition_by is {', '.join(wanted) or 'no column'},"
                f" and the files of {self.place.folder.uri} are in folders of {found};"
                " set it back, or reset the report",
                path=("partition_by",),
            )

    @property
    def _replaces(self) -> bool:
        return self._mode == "replace"

    @override
    def load_state(self) -> Mapping[str, Any] | None:
        return self._present().state

    def _files(self) -> DataFiles:
        return DataFiles(self.place, self._schema)

    @override
    def stage(self, frame: pl.DataFrame, split: Split, part: int) -> StagedPart:
        piece = self._area.add(frame, versions=self._mode != "append")
        return StagedPart(frame.height, piece)

    @override
    def commit(
        self,
        staged_parts: Sequence[StagedPart],
        context: CommitContext = ROWS_ONLY,
    ) -> CommitResult:
        opened = self._read_once()
        pieces: Sequence[Piece] = [part.data for part in staged_parts]
        idle = not (pieces or context.state or context.snapshot)
        if idle and not self._replaces:
            self._remove_due(opened)
            change = Change([], [], None, opened, opened.state)
            return self._result(Done(opened, change, False, []))
        pieces = self._area.join(pieces, versions=self._mode != "append")
        planner = RunPlanner(
            self._files(),
            self._partitions,
            self._schema,
            self._mode,
            pieces,
            context,
            self._area,
            self._writer,
            self.settings.target_file_bytes,
            self.settings.deletes == "hard",
            self.settings.partition_by,
            opened.state,
        )
        keep = self.settings.keep_replaced_seconds
        done = DatasetCommit(self.manifests, opened, planner.change, keep).run()
        self._opened = done.manifest
        return self._result(done)

    def _remove_due(self, manifest: Manifest) -> None:
        """Remove files that a killed process has replaced and not removed."""
        keep = self.settings.keep_replaced_seconds
        if any(old.at + keep <= time.time() for old in manifest.retired):
            self.manifests.remove_retired(manifest, keep)

    def _result(self, done: Done) -> CommitResult:
        manifest, change = done.manifest, done.change
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
        manifest = self._read_once()
        return {self.place.name: manifest.version} if manifest.exists else {}

    @override
    def compact(self) -> CompactResult:
        first = present = self.manifests.read()
        if not first.exists:
            return CompactResult(self.place.folder.uri, 0, 0)
        keep, target = (
            self.settings.keep_replaced_seconds,
            self.settings.target_file_bytes,
        )
        planner = CompactionPlanner(self._files(), self._area, self._writer, target)
        while True:  # merged files are smaller than expected if rows compress better
            done = DatasetCommit(self.manifests, present, planner.change, keep).run()
            present = done.manifest
            if not done.change.removed:
                break
        self._opened = present
        return CompactResult(
            self.place.folder.uri, len(first.files), len(present.files)
        )

    @property
    def _writer(self) -> FileWriter:
        return FileWriter(self.settings.timestamp, self.settings.compression)

    # -- queries -----------------------------------------------------------------------

    @override
    def scan(self) -> pl.LazyFrame | None:
        manifest = self.manifests.read()
        if not manifest.exists:
            return None
        return scan_dataset(self._files(), manifest, self._schema)

    @override
    def parquet_files(self) -> Sequence[ParquetSnapshot]:
        manifest = self.manifests.read()
        return dataset_files(self._files(), manifest) if manifest.exists else []

    @override
    def close(self) -> None:
        self._area.clear()
