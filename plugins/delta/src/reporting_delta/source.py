"""Source ``delta-table``: the rows of a Delta table, and then its changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar

import polars as pl
from deltalake import DeltaTable
from typing_extensions import override

from reporting_delta.changes import Changes
from reporting_delta.column_types import polars_schema
from reporting_delta.data_files import DeltaFiles
from reporting_delta.log import DeltaLog
from reporting_delta.place import DeltaPlace
from reporting_delta.snapshot import DeltaFile, check_features, data_files
from reporting_delta.source_settings import DeltaTableSourceSettings
from reporting_framework import (
    DELETED_AT,
    SOURCE_KEY,
    VERSION,
    Batch,
    Permission,
    PlanStats,
    RecordSource,
    RunLedger,
    Split,
)
from reporting_framework.errors import (
    CorruptCheckpoint,
    LocationError,
    SettingsError,
)
from reporting_framework.plugin_api.records import CheckResult
from reporting_framework.storage import parquet_errors, permissions

OWN = (SOURCE_KEY, VERSION, DELETED_AT)
"""Columns of the framework, which are no values of a record."""

PAGE_ROWS = 100_000
"""Maximum number of rows of a page of the first reading."""


class DeltaTableSource(RecordSource):
    """Source of a Delta table, which any program may have written.

    The first run reads the present version. Later ones read the changes of each later
    commit: inserted and changed rows, and deletes. If the table has no change feed
    (`delta.enableChangeDataFeed`), the files that a commit has replaced are compared.
    The version of a record is that of the commit.
    """

    name: ClassVar[str] = "delta-table"
    Settings: ClassVar[type[DeltaTableSourceSettings]] = DeltaTableSourceSettings
    output_format: ClassVar[Any] = "frames"
    versions_ordered: ClassVar[bool] = True
    settings: DeltaTableSourceSettings

    def __init__(self, settings: DeltaTableSourceSettings) -> None:
        super().__init__(settings)
        self.place = DeltaPlace.parse(settings.uri)
        self.log = DeltaLog(self.place)
        self._reads_all = False

    @classmethod
    def aws_permissions(
        cls, settings: DeltaTableSourceSettings
    ) -> Sequence[Permission]:
        """See `Plugin.aws_permissions`."""
        return permissions.reading(DeltaPlace.parse(settings.uri).folder)

    @property
    @override
    def primary_key(self) -> Sequence[str]:
        return self.settings.primary_key

    @cached_property
    def handle(self) -> DeltaTable:
        """Table in the version that this run reads.

        Raises:
            LocationError: There is none.
        """
        handle = self.log.open()
        if handle is None:
            raise LocationError(
                f"{self.log.uri}: there is no Delta table; check the setting uri"
            )
        return handle

    @cached_property
    def _columns(self) -> pl.Schema:
        """Columns of the table, those of the key among them."""
        with self.log.reading():
            columns = polars_schema(self.handle.schema())
        key = self.settings.primary_key
        if missing := [name for name in key if name not in columns]:
            raise SettingsError(
                f"source {self.name}: primary_key: there is no column {missing[0]} in"
                f" {self.log.uri}; name another one",
                path=("primary_key",),
            )
        if not key and SOURCE_KEY not in columns:
            raise SettingsError(
                f"source {self.name}: {self.log.uri} has no column {SOURCE_KEY}; set"
                " primary_key to the columns that tell its rows apart",
                path=("primary_key",),
            )
        return columns

    @override
    def schema(self) -> pl.Schema:
        columns = self._columns
        return pl.Schema({name: columns[name] for name in columns if name not in OWN})

    @override
    def plan(self, ledger: RunLedger) -> Iterable[Split]:
        self._reads_all = self._start(ledger) is None
        return super().plan(ledger)

    @override
    def plan_stats(self) -> PlanStats:
        return super().plan_stats()._replace(snapshot=self._reads_all)

    @override
    def pages(self, after: Mapping[str, Any] | None) -> Iterator[Batch]:
        latest = self.handle.version()
        begin = int(after["version"]) if after else latest
        if after is None or "files" in after:
            yield from self._rows(begin, after["files"] if after else 0)
        for version in range(begin + 1, latest + 1):
            yield self._changes(version)

    def _rows(self, version: int, done: int) -> Iterator[Batch]:
        """Yield the rows of a version, file by file, after the first files."""
        handle = self.handle if version == self.handle.version() else None
        files = self._files(handle or self._earlier(version))
        reader = DeltaFiles(self.place, self._columns, self._partition_by)
        for number, file in enumerate(files[done:], done + 1):
            with parquet_errors.reading(reader.uri(file)):
                rows = reader.scan([file])
                count = rows.select(pl.len()).collect().item()
            for begin in range(0, count, PAGE_ROWS):
                with parquet_errors.reading(reader.uri(file)):
                    page = rows.slice(begin, PAGE_ROWS).collect()
                position = {"version": version, "files": number}
                ends = begin + PAGE_ROWS >= count
                yield self._page(page, version)._replace(
                    position=position if ends else None
                )
        yield Batch(position={"version": version})

    def _earlier(self, version: int) -> DeltaTable:
        """Return the version of which a run has read the first files."""
        try:
            handle = self.log.open(version)
        except CorruptCheckpoint:
            handle = None
        if handle is None:
            raise SettingsError(
                f"{self.log.uri}: version {version}, of which a run has read a part,"
                " cannot be read any more; run once with full_scan"
            )
        return handle

    def _files(self, handle: DeltaTable) -> list[DeltaFile]:
        """Return the files of a version, in an order that never changes."""
        with self.log.reading():
            check_features(self.log, handle)
            actions = pl.DataFrame(handle.get_add_actions(flatten=True))
        files = data_files(actions, self._partition_by, None)
        return sorted(files, key=lambda file: file.key)

    @property
    def _partition_by(self) -> Sequence[str]:
        return self.handle.metadata().partition_columns

    def _page(self, rows: pl.DataFrame, version: int) -> Batch:
        keyed = rows.with_columns(self._keys(rows))
        return self._batch(keyed, keyed.select(SOURCE_KEY).clear(), version, None)

    def _changes(self, version: int) -> Batch:
        """Return the changes of one commit."""
        try:
            with self.log.reading():
                found = self.handle.load_cdf(
                    starting_version=version, ending_version=version
                )
                frame = pl.DataFrame(found)
        except CorruptCheckpoint as error:
            raise SettingsError(
                f"{self.log.uri}: the changes of version {version} are no longer in the"
                " log; run once with full_scan, and then more often than"
                " delta.logRetentionDuration"
            ) from error
        changes = Changes.of(frame.with_columns(self._keys(frame)), self.schema())
        return self._batch(changes.rows, changes.gone, version, changes.at)._replace(
            position={"version": version}
        )

    def _batch(
        self,
        rows: pl.DataFrame,
        gone: pl.DataFrame,
        version: int,
        at: datetime | None,
    ) -> Batch:
        """Return rows and deletes of a version; marked rows are deletes too."""
        moment = pl.Datetime("us", "UTC")
        deletes = [gone.select(SOURCE_KEY, pl.lit(at, moment).alias(DELETED_AT))]
        if DELETED_AT in rows.columns:
            marked = rows.filter(pl.col(DELETED_AT).is_not_null())
            deletes.append(marked.select(SOURCE_KEY, pl.col(DELETED_AT).cast(moment)))
            rows = rows.filter(pl.col(DELETED_AT).is_null())
        text = f"{2**63 + version:020}"
        all_deletes = pl.concat(deletes).select(
            SOURCE_KEY, pl.lit(text).alias(VERSION), DELETED_AT
        )
        columns = self.schema()
        return Batch(
            rows[SOURCE_KEY],
            pl.repeat(text, rows.height, dtype=pl.String, eager=True),
            frame=rows.select(pl.col(name).cast(columns[name]) for name in columns),
            deletes=all_deletes if all_deletes.height else None,
        )

    def _keys(self, rows: pl.DataFrame) -> pl.Series:
        """Return the source key of each row."""
        key = self.settings.primary_key
        if not key:
            return rows[SOURCE_KEY]
        parts = [pl.lit(self.place.folder.name), *map(pl.col, key)]
        texts = [
            part.cast(pl.String).str.replace_all("%", "%25").str.replace_all("/", "%2F")
            for part in parts
        ]
        joined = pl.concat_str(texts, separator="/").alias(SOURCE_KEY)
        return rows.select(joined).to_series()

    @override
    def health_checks(self, *, write: bool) -> Mapping[str, Any]:
        return {"delta table": self._check}

    def _check(self) -> CheckResult:
        """Open the table."""
        version, columns = self.handle.version(), len(self._columns)
        feed = self.handle.metadata().configuration.get("delta.enableChangeDataFeed")
        kind = "a change feed" if feed == "true" else "no change feed"
        return CheckResult(
            "ok", f"{self.log.uri}: version {version}, {columns} columns, {kind}"
        )

    def object_uri(self, key: str) -> str | None:
        """Return the table: a record has no place of its own."""
        return self.log.uri
