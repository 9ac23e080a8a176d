"""Ledger of a dataset: its column of source keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import TypeVar

import polars as pl

from reporting_datasets.parquet_sink.data_files import DataFiles
from reporting_datasets.parquet_sink.manifest import DataFile, Manifest
from reporting_framework import SOURCE_KEY
from reporting_framework.errors import CorruptCheckpoint, StorageUnavailable
from reporting_framework.storage import parquet_errors, same_version

T = TypeVar("T")

GROUP_ROWS = 1_000_000
"""Maximum number of rows of files that are looked in at once, unless one has more."""

_OBJECT = pl.col(SOURCE_KEY).str.replace(r"#[0-9]+$", "")
"""Object of a row."""


class DatasetLedger:
    """Ledger from the source keys of the files; see `Ledger`.

    A lookup reads only files whose range of source keys has one of the objects.

    Args:
        files: Reader of the files.
        manifest: Manifest of the dataset.
        timestamp: Column of the newest timestamp, `None`: there is none.
        read: Function that reads the present manifest, as another run or a compaction
            may remove files; `None`: files stay.
    """

    def __init__(
        self,
        files: DataFiles,
        manifest: Manifest,
        timestamp: str | None,
        read: Callable[[], Manifest] | None = None,
    ) -> None:
        self._files, self._manifest, self._timestamp = files, manifest, timestamp
        self._read = read

    def look(self, action: Callable[[Manifest], T]) -> T:
        """Call a function that reads files; again if they were replaced meanwhile.

        Raises:
            ReportingError: The function raised it for files of the present manifest.
        """
        while True:
            try:
                return action(self._manifest)
            except (CorruptCheckpoint, StorageUnavailable):
                if self._read is None:
                    raise
                present = self._read()
                if same_version(present.version, self._manifest.version):
                    raise
                self._manifest = present

    @property
    def rows(self) -> int:
        """See `Ledger.rows`."""
        return self._manifest.rows

    @property
    def newest(self) -> datetime | None:
        """See `Ledger.newest`."""
        return self._manifest.newest

    def newest_until(self, moment: datetime) -> datetime | None:
        """See `DatedLedger.newest_until`."""
        newest = self._manifest.newest
        if self._timestamp is None or newest is None or newest <= moment:
            return newest
        column = pl.col(self._timestamp)

        def until(manifest: Manifest) -> list[pl.DataFrame]:
            scans = [
                self._files.rows(manifest, file).select(
                    column.filter(column <= moment).max()
                )
                for file in manifest.files
                if file.newest is not None
            ]
            with parquet_errors.reading(self._files.place.folder.uri):
                return pl.collect_all(scans)

        found = self.look(until)
        return max((one.item() for one in found if one.item()), default=None)

    def filter_new(self, objects: Sequence[str]) -> list[str]:
        """See `Ledger.filter_new`."""
        wanted = pl.Series(SOURCE_KEY, objects, pl.String).unique().sort()
        ends = wanted + "#:"  # behind the source key of every record of the object

        def existing(manifest: Manifest) -> set[str]:
            found: set[str] = set()
            files = [file for file in manifest.files if _may_have(file, wanted, ends)]
            for some in _groups(files):
                scans = [self._files.rows(manifest, file) for file in some]
                keys = pl.concat([scan.select(_OBJECT) for scan in scans])
                names = wanted.to_frame().lazy()
                inside = keys.join(names, on=SOURCE_KEY, how="semi").unique()
                with parquet_errors.reading(self._files.place.folder.uri):
                    found.update(inside.collect(engine="streaming").to_series())
            return found

        known = self.look(existing)
        return [name for name in objects if name not in known]


def _groups(files: Sequence[DataFile]) -> Iterator[list[DataFile]]:
    """Yield files that are looked in at once, as a join for each takes far longer."""
    group: list[DataFile] = []
    rows = 0
    for file in files:
        if group and rows + file.rows > GROUP_ROWS:
            yield group
            group, rows = [], 0
        group.append(file)
        rows += file.rows
    if group:
        yield group


def _may_have(file: DataFile, wanted: pl.Series, ends: pl.Series) -> bool:
    """Return whether the file may have rows of one of the objects.

    The source keys of an object are its key, or its key with ``#`` and a number.
    """
    begin = wanted.search_sorted(file.last, side="right")
    return bool((ends[:begin] >= file.first).any())
