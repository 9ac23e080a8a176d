"""Maintenance of a CSV file: its backup, its removal, and health checks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import polars as pl
from typing_extensions import override

from reporting_datasets.csv_sink.csv_file import CsvVersion
from reporting_datasets.csv_sink.dialect import Dialect
from reporting_datasets.settings import CsvSettings
from reporting_datasets.staging import StagingArea
from reporting_framework import Sink
from reporting_framework.plugin_api.records import CheckResult, StoredArtifact
from reporting_framework.storage import (
    backup,
    open_store,
    parse_location,
    write_check,
)


class CsvMaintenance(Sink):
    """Part of the sink ``csv`` for its maintenance.

    `reporting state` and `reporting doctor` use it.
    """

    def __init__(self, settings: CsvSettings) -> None:
        self.settings = settings
        self._dialect = Dialect.of(settings, pl.Schema())
        self._place = parse_location(settings.uri)
        self._store = open_store(self._place.parent)
        self._area = StagingArea()
        self._version: str | None = None
        self._opened: CsvVersion | None = None

    def _read(self) -> CsvVersion:
        """Open the present file, and remember it as the one that the run has opened."""
        self._opened = CsvVersion.open(
            self._store, self._place.name, self._dialect, self._area
        )
        self._version = self._opened.version
        return self._opened

    @override
    def stored_artifacts(self) -> Sequence[StoredArtifact]:
        entry = self._store.head(self._place.name)
        leftovers = list(backup.leftovers([self._place.parent]))
        if entry is None:
            return leftovers
        modified = self._store.modified(self._place.name)
        uri, rows = self._place.uri, None
        size, version = entry.size or 0, entry.version
        if self._dialect.schema:  # without columns, rows cannot be counted
            file = self._read()
            rows, size, version = file.rows, file.size, file.version
        output = StoredArtifact("output", uri, rows, size, version, None, modified)
        return [output, *leftovers]

    @override
    def back_up(
        self, stored_artifacts: Sequence[StoredArtifact], name: str
    ) -> Sequence[str]:
        return backup.back_up(self._places(stored_artifacts), self._store, name)

    @override
    def remove(self, stored_artifacts: Sequence[StoredArtifact]) -> None:
        for store, key, artifact in self._places(stored_artifacts):
            store.delete(key, if_version=artifact.version or "")
        self._version = self._opened = None

    def _places(self, stored_artifacts: Sequence[StoredArtifact]) -> list[backup.Place]:
        places = [
            backup.Place(self._store, self._place.name, artifact)
            for artifact in stored_artifacts
        ]
        backup.check_unchanged(places)
        return places

    @override
    def health_checks(self, *, write: bool) -> Mapping[str, Callable[[], CheckResult]]:
        return {
            "file": self._check_file,
            "conditional writes": partial(write_check.written, self._store)
            if write
            else write_check.unknown_without_writing,
        }

    def _check_file(self) -> CheckResult:
        entry = self._store.head(self._place.name)
        if entry is None:
            return CheckResult("ok", "there is none yet")
        if not self._dialect.schema:
            found = f"{self._place.uri}: {entry.size:,} bytes"
            return CheckResult("ok", f"{found}; not read, as no columns are known yet")
        file = self._read()
        return CheckResult("ok", f"{file.uri}: {file.rows:,} rows")
