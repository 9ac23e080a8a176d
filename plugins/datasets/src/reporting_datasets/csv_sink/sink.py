"""Sink ``csv``: one CSV file, replaced as a whole in each commit."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import polars as pl
from typing_extensions import override

from reporting_datasets.csv_sink.csv_file import CsvVersion, ends_line
from reporting_datasets.csv_sink.dialect import Dialect
from reporting_datasets.csv_sink.ledger import CsvLedger
from reporting_datasets.csv_sink.maintenance import CsvMaintenance
from reporting_datasets.ranges import key_ranges
from reporting_datasets.settings import CsvSettings
from reporting_datasets.staging import Piece
from reporting_framework import (
    DELETED_AT,
    ROWS_ONLY,
    SOURCE_KEY,
    CommitContext,
    CommitResult,
    MetadataLocation,
    Permission,
    Split,
    StagedPart,
    WriteMode,
)
from reporting_framework.errors import CommitConflict, SettingsError
from reporting_framework.plugin_api.result import Output
from reporting_framework.storage import (
    commit_attempts,
    naming,
    parse_location,
    permissions,
    row_versions,
    same_version,
)

TEXT_ROWS = 8_192
"""Number of rows that are made into text at once."""


class CsvFile(CsvMaintenance):
    """Sink of one CSV file.

    A CSV file has no place for a source state, for versions or for types. So it can be
    appended to, with the column `source_key` as the ledger, and replaced; an upsert
    would have to read every value back from text. Each commit writes a whole new file
    and replaces the old one in one conditional write.
    """

    name: ClassVar[str] = "csv"
    Settings: ClassVar[type[CsvSettings]] = CsvSettings
    write_modes: ClassVar[frozenset[WriteMode]] = frozenset({"append", "replace"})

    def __init__(self, settings: CsvSettings) -> None:
        super().__init__(settings)
        self._mode: WriteMode = "append"

    @classmethod
    def aws_permissions(cls, settings: CsvSettings) -> Sequence[Permission]:
        """See `Plugin.aws_permissions`; the metadata is in the same folder."""
        folder = parse_location(settings.uri).parent
        return [*permissions.writing(folder), *permissions.deleting(folder)]

    def metadata_location(self) -> MetadataLocation:
        """See `Sink.metadata_location`: the folder of the file."""
        return MetadataLocation(self._place.parent.uri, self._place.name)

    @override
    def open(
        self,
        schema: pl.Schema,
        mode: WriteMode = "append",
        primary_key: Sequence[str] = (),
    ) -> None:
        self.check_schema(self.settings, schema, mode)
        self._dialect = Dialect.of(self.settings, schema)
        self._schema, self._mode, self._opened = schema, mode, None

    @classmethod
    @override
    def check_schema(
        cls, settings: CsvSettings, schema: pl.Schema, mode: WriteMode = "append"
    ) -> None:
        if mode == "append" and not settings.source_key:
            raise SettingsError(
                "sink csv: source_key is false, and without this column append cannot"
                " tell which rows the file has; set it to true, or use replace",
                path=("source_key",),
            )
        Dialect.of(settings, schema).check()

    @override
    def ledger(self) -> CsvLedger | None:
        if not self.settings.source_key or self._mode == "replace":
            return None
        file = self._read()
        return CsvLedger(file, file.rows)

    @override
    def output_versions(self) -> Mapping[str, str | None]:
        if self._version is None:
            entry = self._store.head(self._place.name)
            self._version = entry.version if entry else None
        return {self._place.name: self._version} if self._version else {}

    @override
    def stage(self, frame: pl.DataFrame, split: Split, part: int) -> StagedPart:
        piece = self._area.add(frame, versions=self._mode == "replace")
        return StagedPart(frame.height, piece)

    # -- the commit --------------------------------------------------------------------

    @override
    def commit(
        self,
        staged_parts: Sequence[StagedPart],
        context: CommitContext = ROWS_ONLY,
    ) -> CommitResult:
        pieces: list[Piece] = [part.data for part in staged_parts]
        if self._mode == "append":
            opened = self._opened or self._read()
            if not pieces:
                return self._result(opened, 0, 0)
        versions = self._mode == "replace"
        joined = self._area.join(pieces, versions=versions)
        return self._replaced(joined) if versions else self._appended(joined)

    def _appended(self, pieces: Sequence[Piece]) -> CommitResult:
        """Add rows with source keys that the file does not have."""
        opened = self._opened
        assert opened is not None  # noqa: S101 - `commit` has read it
        present, staged = opened, sum(piece.rows + piece.superseded for piece in pieces)
        for attempt in commit_attempts(opened.uri):
            with self._store.lock(self._place.name):
                if attempt or not self._store.remote:
                    present = self._current(present)
                if opened.version is not None and present.version is None:
                    raise CommitConflict(
                        f"{opened.uri}: it was removed while this run was under way,"
                        " and nothing was written; run again"
                    )
                overtaken = not same_version(present.version, opened.version)
                try:
                    done, new = self._with_rows(present, pieces)
                except CommitConflict:
                    continue
            self._version = done.version
            return self._result(done, new, staged - new, overtaken=overtaken)
        raise AssertionError  # pragma: no cover - the attempts end with an error

    def _current(self, known: CsvVersion) -> CsvVersion:
        """Return the present file; it is read again only if it has changed."""
        entry = self._store.head(self._place.name)
        if same_version(entry.version if entry else None, known.version):
            return known
        return CsvVersion.open(self._store, self._place.name, self._dialect, self._area)

    def _with_rows(
        self, present: CsvVersion, pieces: Sequence[Piece]
    ) -> tuple[CsvVersion, int]:
        """Write the file with more rows; return it and the number of new rows."""
        empty, rows = self._schema.to_frame(), 0
        with self._store.temp_path(self._place.name) as path:
            with naming(path):
                self._begin(path, present)
            for part in key_ranges(pieces, empty, versions=False):
                known = present.existing_keys(part.rows[SOURCE_KEY]).implode()
                new = part.rows.filter(~pl.col(SOURCE_KEY).is_in(known))
                rows += new.height
                self._add(path, new)
            if not rows:
                return present, 0
            return self._put(path, present.version, present.rows + rows), rows

    def _begin(self, path: Path, present: CsvVersion) -> None:
        """Begin the next version of the file with the bytes of the present one."""
        if present.path is None:
            path.write_bytes(self._dialect.head)
            return
        shutil.copyfile(present.path, path)
        if not ends_line(path):
            with path.open("ab") as file:
                file.write(self.settings.line_end.encode())

    def _replaced(self, pieces: Sequence[Piece]) -> CommitResult:
        """Make the staged rows the file, whatever it is now."""
        staged = sum(piece.superseded for piece in pieces)
        uri, rows = self._place.uri, 0
        opened = self.output_versions().get(self._place.name)
        for _ in commit_attempts(uri):
            with (
                self._store.lock(self._place.name),
                self._store.temp_path(self._place.name) as path,
            ):
                entry = self._store.head(self._place.name)
                present = entry.version if entry else None
                rows, duplicates = 0, staged
                with naming(path):
                    path.write_bytes(self._dialect.head)
                for new, superseded in self._newest(pieces):
                    rows, duplicates = rows + new.height, duplicates + superseded
                    self._add(path, new)
                try:
                    done = self._put(path, present, rows)
                except CommitConflict:
                    continue
            self._version = done.version
            overtaken = not same_version(present, opened)
            return self._result(done, rows, duplicates, overtaken=overtaken)
        raise AssertionError  # pragma: no cover - the attempts end with an error

    def _newest(self, pieces: Sequence[Piece]) -> Iterator[tuple[pl.DataFrame, int]]:
        """Yield the newest rows in the order of their source keys, without deletes."""
        empty = pl.DataFrame(schema={**self._schema, **row_versions.VERSION_COLUMNS})
        for part in key_ranges(pieces, empty, versions=True):
            live = part.rows.filter(pl.col(DELETED_AT).is_null())
            yield live.drop(*row_versions.VERSION_COLUMNS), part.superseded

    def _add(self, path: Path, rows: pl.DataFrame) -> None:
        with naming(path), path.open("ab") as file:
            for part in rows.iter_slices(TEXT_ROWS):
                file.write(self._dialect.encode(part))

    def _put(self, path: Path, expected: str | None, rows: int) -> CsvVersion:
        size = path.stat().st_size
        version = self._store.put(self._place.name, path, if_version=expected)
        uri = self._place.uri
        return CsvVersion(uri, self._dialect, None, version, size, rows)

    def _result(
        self, file: CsvVersion, new: int, duplicates: int, *, overtaken: bool = False
    ) -> CommitResult:
        outputs = [
            Output(
                uri=file.uri,
                rows=file.rows,
                new_rows=new,
                bytes=file.size,
                version=file.version,
            )
        ]
        exists = file.version is not None
        return CommitResult(outputs if exists else [], duplicates, overtaken=overtaken)

    # -- queries -------------------------------------------------------

    @override
    def scan(self) -> pl.LazyFrame | None:
        file = CsvVersion.open(self._store, self._place.name, self._dialect, self._area)
        if file.path is None:
            return None
        return self._dialect.values(file.texts())

    @override
    def close(self) -> None:
        self._area.clear()
