"""Choice of the staged files that become files of the table as they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from reporting_datasets.parquet_sink.manifest import Manifest
from reporting_delta.data_files import DeltaFiles
from reporting_delta.staging import StagedFile
from reporting_framework import SOURCE_KEY
from reporting_framework.storage import parquet_errors

LOOKUP_ROWS = 262_144
"""Number of source keys that are looked up at once."""

MAX_SMALL = 32
"""Number of small files of a partition from which on a commit merges them."""

_FILE, _HASH = "_reporting_file", "_reporting_hash"


class Adoption:
    """Choice for one version of the table.

    A staged file stays as it is if none of its source keys is in the table or in
    another staged file, and none of its rows is a delete. Source keys are compared only
    within files whose ranges meet.

    Args:
        files: Reader of files.
        staged: Staged files.
        small: Size in bytes below which a file is small.
    """

    def __init__(
        self, files: DeltaFiles, staged: Sequence[StagedFile], small: float
    ) -> None:
        self._files, self._staged, self._small = files, staged, small
        self._alone = self._without_doubles()

    def chosen(self, manifest: Manifest) -> set[int]:
        """Return the numbers of the staged files that can be added to this version."""
        chosen = set(self._alone)
        for numbers in self._groups(manifest):
            keys = self._keys(numbers)
            known = self._files.matching(
                manifest, keys[SOURCE_KEY].sort(), [SOURCE_KEY]
            )
            taken = keys.join(known, on=SOURCE_KEY, how="semi")
            chosen -= set(taken[_FILE])
        return chosen

    def _groups(self, manifest: Manifest) -> Iterator[list[int]]:
        """Yield the numbers of files whose range meets one of the table."""
        group: list[int] = []
        rows = 0
        for number in sorted(self._alone):
            file = self._staged[number].file
            if not any(
                file.first <= other.last and other.first <= file.last
                for other in manifest.files
            ):
                continue
            if group and rows + file.rows > LOOKUP_ROWS:
                yield group
                group, rows = [], 0
            group.append(number)
            rows += file.rows
        if group:
            yield group

    def _without_doubles(self) -> set[int]:
        """Return the numbers of files that share no source key with another one."""
        alone = {
            number for number, (file, _) in enumerate(self._staged) if not file.deleted
        }
        meeting = sorted(self._meeting())
        if meeting:
            hashes = pl.concat(
                self._keys([number]).select(
                    pl.col(SOURCE_KEY).hash().alias(_HASH), _FILE
                )
                for number in meeting
            )
            again = hashes.filter(pl.col(_HASH).is_duplicated())
            alone -= set(again[_FILE])
        return alone - self._many(alone)

    def _meeting(self) -> set[int]:
        """Return the numbers of files whose range meets that of another one."""
        order = sorted(
            range(len(self._staged)), key=lambda at: self._staged[at].file.first
        )
        meeting: set[int] = set()
        widest: int | None = None
        for number in order:
            file = self._staged[number].file
            if widest is not None and file.first <= self._staged[widest].file.last:
                meeting |= {widest, number}
            if widest is None or file.last > self._staged[widest].file.last:
                widest = number
        return meeting

    def _many(self, alone: set[int]) -> set[int]:
        """Return the numbers of small files of partitions that have too many."""
        small: dict[str, set[int]] = {}
        for number in alone:
            file = self._staged[number].file
            if file.bytes < self._small:
                small.setdefault(file.partition, set()).add(number)
        return {
            number
            for numbers in small.values()
            if len(numbers) > MAX_SMALL
            for number in numbers
        }

    def _keys(self, numbers: Sequence[int]) -> pl.DataFrame:
        """Return the source keys of staged files, with the number of the file."""
        scans = [
            self._files.scan([self._staged[number].file]).select(
                SOURCE_KEY, pl.lit(number, pl.UInt32).alias(_FILE)
            )
            for number in numbers
        ]
        with parquet_errors.reading(self._files.uri(self._staged[numbers[0]].file)):
            return pl.concat(pl.collect_all(scans))
