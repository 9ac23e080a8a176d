"""Files of a checkpoint: their places and their listing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

import polars as pl
from typing_extensions import override

from reporting_framework import MetadataLocation, Permission, Sink, WriteMode
from reporting_framework.errors import CorruptCheckpoint, LocationError, SettingsError
from reporting_framework.storage import (
    Entry,
    ParquetSnapshot,
    open_store,
    parse_location,
    permissions,
    row_versions,
    same_version,
)
from reporting_object_store.parquet_sink.checkpoint import Checkpoint
from reporting_object_store.parquet_sink.first_reads import metadata_location
from reporting_object_store.parquet_sink.layout import Layout
from reporting_object_store.parquet_sink.scan import scan_files, table_files
from reporting_object_store.parquet_sink.state import StateFile
from reporting_object_store.settings import ParquetCheckpointSettings

RUNS_FOLDER = "_runs"
"""Folder of the history in a report's metadata; merged files are deleted there."""


class CheckpointFiles(Sink):
    """Part of the sink ``parquet-checkpoint`` that only reads files."""

    name: ClassVar[str] = "parquet-checkpoint"
    Settings: ClassVar[type[ParquetCheckpointSettings]] = ParquetCheckpointSettings
    write_modes: ClassVar[frozenset[WriteMode]] = frozenset(
        {"append", "upsert", "replace"}
    )

    def __init__(self, settings: ParquetCheckpointSettings) -> None:
        self.settings = settings
        self.layout = Layout.parse(settings.uri, settings.timestamp)
        self.store = open_store(self.layout.folder)
        self.timestamp = settings.timestamp or "timestamp"
        self._schema = pl.Schema()
        self._mode: WriteMode = "append"
        self._is_open = False
        self._state_file = StateFile(self.layout.source_state)
        self._versions: Mapping[str, str | None] | None = None

    @classmethod
    def aws_permissions(
        cls, settings: ParquetCheckpointSettings
    ) -> Sequence[Permission]:
        """See `Plugin.aws_permissions`.

        The metadata is in the same folder, unless the quarantine is elsewhere.
        """
        folder = Layout.parse(settings.uri).folder
        apart = (
            [parse_location(settings.quarantine).parent] if settings.quarantine else []
        )
        merged = [folder.join(RUNS_FOLDER)] if settings.keep_runs else []
        return [
            *(
                permission
                for place in (folder, *apart)
                for permission in permissions.writing(place)
            ),
            *(
                permission
                for place in merged
                for permission in permissions.deleting(place)
            ),
        ]

    @classmethod
    def table_folder(cls, settings: ParquetCheckpointSettings) -> str:
        """See `Sink.table_folder`: the fixed part of the files' place."""
        return Layout.parse(settings.uri).folder.uri

    @override
    def open(
        self,
        schema: pl.Schema,
        mode: WriteMode = "append",
        primary_key: Sequence[str] = (),
    ) -> None:
        self.check_schema(self.settings, schema, mode)
        self.timestamp = timestamp_in(self.settings, schema, mode)
        self._mode, self._is_open = mode, True
        self._schema = (
            pl.Schema({**schema, **row_versions.VERSION_COLUMNS})
            if mode == "upsert"
            else schema
        )

    @classmethod
    @override
    def check_schema(
        cls,
        settings: ParquetCheckpointSettings,
        schema: pl.Schema,
        mode: WriteMode = "append",
    ) -> None:
        layout = Layout.parse(settings.uri, settings.timestamp)
        if timestamp_in(settings, schema, mode) == row_versions.VERSION_MOMENT:
            layout = layout._replace(timestamp="")  # which has no periods
        layout.check(schema.names())
        quarantine = settings.quarantine
        if quarantine and layout.owns(parse_location(quarantine)):
            raise SettingsError(
                f"sink {cls.name}: setting quarantine names"
                f" {parse_location(quarantine).uri}, where a checkpoint goes; name"
                " another",
                path=("quarantine",),
            )

    def _open(self, key: str) -> Checkpoint:
        try:
            return self._sorted_by(self.timestamp, key)
        except CorruptCheckpoint:
            if self._is_open or self.settings.timestamp is not None:
                raise
            # a command opens files without a schema, and then only the file says
            # whether its rows have a timestamp
            return self._sorted_by(row_versions.VERSION_MOMENT, key)

    def _sorted_by(self, timestamp: str, key: str) -> Checkpoint:
        schema = self._schema
        if timestamp == row_versions.VERSION_MOMENT:
            schema = pl.Schema(
                {**schema, row_versions.VERSION_MOMENT: pl.Datetime("us", "UTC")}
            )
        return Checkpoint.open(self.store, key, schema, timestamp)

    def _file_of(self, key: str) -> Checkpoint:
        """Return the file, if its rows belong in it.

        A file of another checkpoint may have a name of this form.
        """
        file = self._open(key)
        layout = self.layout
        if (
            layout.columns
            and file.rows
            and (values := file.first(layout.values))
            and (file_key := layout.key(values)) != key
        ):
            raise CorruptCheckpoint(
                f"{file.uri}: it holds rows that belong into {file_key}; it is of"
                " another checkpoint: move one of them"
            )
        return file

    def _keys(self) -> Iterator[str]:
        """Yield the keys of the existing files.

        Without ``{column}``, it is the key of the only file, existing or not.
        """
        if not self.layout.columns:
            yield self.layout.template
            return
        last = None
        for entry in self._listed():
            if entry.key != last:  # a server may list a key twice in a row
                yield (last := entry.key)

    def _listed(self) -> Iterator[Entry]:
        """Yield the entries of the files in a listing."""
        try:
            for page in self.store.list():
                for entry in page:
                    if self.layout.pattern.fullmatch(entry.key):
                        yield entry
        except LocationError:
            if (
                self.store.location.scheme != "file"
            ):  # a folder is made by the first commit
                raise

    def changed(self, known: Mapping[str, Checkpoint]) -> set[str]:
        """Return the keys of existing files whose version is not the known version.

        Args:
            known: Files by key; all other files count as changed.
        """
        keys = set()
        for listed in self._listed():
            entry = listed if listed.version else self.store.head(listed.key)
            file = known.get(listed.key)
            if entry and not (file and same_version(entry.version, file.version)):
                keys.add(listed.key)
        return keys

    def metadata_location(self) -> MetadataLocation:
        """See `Sink.metadata_location`."""
        return metadata_location(self.settings, self.layout)

    def output_versions(self) -> Mapping[str, str | None]:
        """See `Sink.output_versions`: the versions of the files, by their keys."""
        if self._versions is None:
            entries = ((key, self.store.head(key)) for key in self._keys())
            self._versions = {key: entry.version for key, entry in entries if entry}
        return self._versions

    def scan(self) -> pl.LazyFrame | None:
        """See `Sink.scan`: all files as one.

        Columns that an older file lacks are null in its rows.
        """
        return scan_files(self.store, self.layout, self._keys(), self._schema)

    @override
    def parquet_files(self) -> Sequence[ParquetSnapshot]:
        return table_files(self.store, self.layout, list(self._keys()), self._schema)


def timestamp_in(
    settings: ParquetCheckpointSettings, schema: pl.Schema, mode: WriteMode
) -> str:
    """Return the column by which rows are sorted.

    Raises:
        SettingsError: It is not a time with a time zone.
    """
    name = settings.timestamp or "timestamp"
    moments = [
        name
        for name, dtype in schema.items()
        if isinstance(dtype, pl.Datetime)
        and dtype.time_zone is not None
        and dtype.time_unit != "ns"
    ]
    if name in moments:
        return name
    if settings.timestamp is None and mode != "append":
        return row_versions.VERSION_MOMENT
    kind = "Datetime (us or ms) with a time zone"
    if settings.timestamp is None:
        found, fix = "there is none", "use mode"
        if moments:
            found = "timestamp is none"
            fix = f"set timestamp to one of {', '.join(moments)}, use mode"
        raise SettingsError(
            f"sink parquet-checkpoint: with mode append it needs a column of {kind},"
            f" and {found}; {fix} upsert or replace, or use the sink parquet-dataset",
            path=("timestamp",),
        )
    there = ", ".join(f"{name} ({dtype})" for name, dtype in schema.items())
    raise SettingsError(
        f"sink parquet-checkpoint: setting timestamp names {name}, which is not a"
        f" column of {kind}; there are {there}",
        path=("timestamp",),
    )
