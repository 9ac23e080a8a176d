"""Plan of a commit: rows to leave out of files, and rows to write."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

import polars as pl

from reporting_datasets.parquet_sink.data_files import AT, FILE
from reporting_datasets.staging import FrameLog, StagingArea
from reporting_framework.plugin_api.records import UpsertCounts


class FileChange(NamedTuple):
    """Changes of one file.

    Attributes:
        dropped: Positions of rows to leave out, in order.
        gone: Positions of rows to mark as deleted, in order.
    """

    dropped: pl.Series
    gone: pl.Series


class Plan:
    """Decisions about the rows of a commit.

    Args:
        area: Staging area for the rows to write.

    Attributes:
        new: Rows to write into new files, by partition.
        replacing: Rows that replace rows of a file, by the file's number as text.
        counts: Counts of changed rows.
        duplicates: Staged rows, other than deletes, that are not applied.
        rewrites: Numbers of files that must be rewritten for another reason.
    """

    def __init__(self, area: StagingArea) -> None:
        self.new, self.replacing = FrameLog(area), FrameLog(area)
        self._dropped: dict[int, list[pl.Series]] = defaultdict(list)
        self._gone: dict[int, list[pl.Series]] = defaultdict(list)
        self.counts = UpsertCounts()
        self.duplicates = 0
        self.rewrites: set[int] = set()

    def count(self, duplicates: int = 0, **more: int) -> None:
        """Add to the counts."""
        self.duplicates += duplicates
        counts = self.counts._asdict()
        self.counts = UpsertCounts(
            **{name: count + more.get(name, 0) for name, count in counts.items()}
        )

    def drop(self, rows: pl.DataFrame) -> None:
        """Leave rows out of their files; the columns are `FILE` and `AT`."""
        _add(self._dropped, rows)

    def mark_deleted(self, rows: pl.DataFrame) -> None:
        """Mark rows of files as deleted; the columns are `FILE` and `AT`."""
        _add(self._gone, rows)

    @property
    def touched(self) -> list[int]:
        """Numbers of the files that change, in order."""
        replaced = map(int, self.replacing.labels)
        return sorted({*self._dropped, *self._gone, *replaced, *self.rewrites})

    def change(self, number: int) -> FileChange:
        """Return the changes of a file."""
        return FileChange(
            _positions(self._dropped[number]), _positions(self._gone[number])
        )


def _add(known: dict[int, list[pl.Series]], rows: pl.DataFrame) -> None:
    for (number,), part in rows.partition_by(FILE, as_dict=True).items():
        known[int(number)].append(part[AT])


def _positions(parts: list[pl.Series]) -> pl.Series:
    if not parts:
        return pl.Series(AT, [], pl.UInt32)
    return pl.concat(parts).cast(pl.UInt32).unique().sort()
