"""The files of a checkpoint.

It says where they are, which there are, and what lies beside them.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

import polars as pl

from reporting_framework import Permission, Sink, WriteMode
from reporting_framework.errors import CorruptCheckpoint, LocationError, SettingsError
from reporting_framework.storage import (
    ParquetSnapshot,
    list_keys,
    open_store,
    parse_location,
    permissions,
)
from reporting_object_store.parquet_sink.checkpoint import Checkpoint
from reporting_object_store.parquet_sink.history import RunHistory
from reporting_object_store.parquet_sink.layout import RUNS_FOLDER, Layout
from reporting_object_store.parquet_sink.quarantine import ParquetQuarantine
from reporting_object_store.parquet_sink.reset import UNFINISHED, ResetMarker
from reporting_object_store.parquet_sink.scan import scan_files, table_files
from reporting_object_store.settings import ParquetCheckpointSettings

_log = logging.getLogger(__name__)


class CheckpointFiles(Sink):
    """The part of the sink ``parquet-checkpoint`` that only looks at files.

    It also puts others beside them.
    """

    name: ClassVar[str] = "parquet-checkpoint"
    Settings: ClassVar[type[ParquetCheckpointSettings]] = ParquetCheckpointSettings

    def __init__(self, settings: ParquetCheckpointSettings) -> None:
        self.settings = settings
        self.layout = Layout.parse(settings.uri)
        self.store = open_store(self.layout.folder)
        self._schema = pl.Schema()
        self._place = (
            parse_location(settings.quarantine)
            if settings.quarantine
            else self.layout.state(".parquet")
        )
        self._quarantine = ParquetQuarantine(self._place, self._output_versions)
        self._marker = ResetMarker(self.layout.state(".reset"))
        self._backup = ""
        self._versions: Mapping[str, str | None] | None = None
        self._history: RunHistory | None = None

    @classmethod
    def aws_permissions(
        cls, settings: ParquetCheckpointSettings
    ) -> Sequence[Permission]:
        """See `Plugin.aws_permissions`."""
        apart = (
            [parse_location(settings.quarantine).parent] if settings.quarantine else []
        )
        folders = [Layout.parse(settings.uri).folder, *apart]
        merged = [folders[0].join(RUNS_FOLDER)] if settings.keep_runs else []
        return [
            *(each for folder in folders for each in permissions.writing(folder)),
            *(each for folder in merged for each in permissions.deleting(folder)),
        ]

    @classmethod
    def table_folder(cls, settings: ParquetCheckpointSettings) -> str:
        """See `Sink.table_folder`: the fixed part of where the files are."""
        return Layout.parse(settings.uri).folder.uri

    def open(
        self,
        schema: pl.Schema,
        mode: WriteMode = "append",
        primary_key: Sequence[str] = (),
    ) -> None:
        """See `Sink.open`."""
        self.layout.check(schema.names())
        time_dtype = schema.get(self.settings.timestamp)
        if (
            not isinstance(time_dtype, pl.Datetime)
            or time_dtype.time_zone is None
            or time_dtype.time_unit == "ns"
        ):
            raise SettingsError(
                f"sink {self.name}: setting timestamp names {self.settings.timestamp},"
                " which is not a column of Datetime (us or ms) with a time zone; there"
                " are"
                f" {', '.join(f'{name} ({dtype})' for name, dtype in schema.items())}"
            )
        if self.layout.owns(self._place):
            raise SettingsError(
                f"sink {self.name}: setting quarantine names {self._place.uri}, where a"
                " checkpoint goes; name another"
            )
        self._schema = schema

    def _open(self, key: str) -> Checkpoint:
        return Checkpoint.open(self.store, key, self._schema, self.settings.timestamp)

    def _file_of(self, key: str) -> Checkpoint:
        """Return the file, if its rows are those that belong there.

        A file of another checkpoint may be named like it.
        """
        file = self._open(key)
        columns = self.layout.columns
        if (
            columns
            and file.rows
            and (file_key := self.layout.key(file.first(columns))) != key
        ):
            raise CorruptCheckpoint(
                f"{file.uri}: it holds rows that belong into {file_key}; it is of"
                " another checkpoint: move one of them"
            )
        return file

    def _keys(self) -> Iterator[str]:
        """Yield the keys of the files that are there.

        Without ``{column}``, it is the key of the one that may be there.
        """
        if not self.layout.columns:
            yield self.layout.template
            return
        try:
            yield from filter(self.layout.pattern.fullmatch, list_keys(self.store))
        except LocationError:
            if (
                self.store.location.scheme != "file"
            ):  # a folder is made by the first commit
                raise

    def _output_versions(self) -> Mapping[str, str | None]:
        """Return the version of each file as the run left it.

        Where no run is under way, it is the version as it is now.
        """
        if self._versions is None:
            entries = ((key, self.store.head(key)) for key in self._keys())
            self._versions = {key: entry.version for key, entry in entries if entry}
        return self._versions

    def scan(self) -> pl.LazyFrame | None:
        """See `Sink.scan`: all files as one.

        Columns that an older one lacks are null there.
        """
        self._warn()
        return scan_files(self.store, self.layout, self._keys(), self._schema)

    def _warn(self) -> None:
        """Log that a reset has not ended.

        What is read then may be a part of the table.
        """
        if self._marker.exists():
            _log.warning(
                "%s: %s; what is read now may be a part of the table",
                self._marker.uri,
                UNFINISHED,
            )

    def parquet_files(self) -> Sequence[ParquetSnapshot]:
        """See `Sink.parquet_files`."""
        self._warn()
        return table_files(self.store, self.layout, list(self._keys()), self._schema)

    def history(self) -> RunHistory | None:
        """See `Sink.history`.

        Once it was asked for, `ledger` reads it along with the rest.
        """
        if self._history is None and self.settings.keep_runs:
            self._history = RunHistory(self.layout.runs, self.settings.keep_runs)
        return self._history

    def shelve(self, kind: str, name: str, data: bytes, *, content_type: str) -> str:
        """See `Sink.shelve`.

        The underscore before the folder's name keeps Athena and Hive away.
        """
        key = self.layout.beside(kind, name)
        self.store.replace(key, data, content_type=content_type, metadata={})
        return self.store.location.join(key).uri

    def quarantine(self) -> ParquetQuarantine:
        """See `Sink.quarantine`."""
        return self._quarantine
