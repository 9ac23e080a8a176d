"""Results of a commit, for each file and for the table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from reporting_framework import CommitResult
from reporting_framework.plugin_api.records import UpsertCounts
from reporting_framework.plugin_api.result import Output
from reporting_object_store.parquet_sink.checkpoint import Checkpoint


class CommittedFile(NamedTuple):
    """Result of a commit to one file.

    Attributes:
        file: The file after the commit.
        counts: Counts of changed rows.
        duplicates: Staged rows, other than deletes, that were not applied.
        overtaken: Whether another run had written the file since it was opened.
    """

    file: Checkpoint
    counts: UpsertCounts = UpsertCounts()
    duplicates: int = 0
    overtaken: bool = False


class Committed(NamedTuple):
    """Result of a commit.

    Attributes:
        files: Result for each file, by key.
        superseded: Number of staged rows that are left out because a newer version was
            staged with them.
        spans: Times of merging.
        upserts: Whether it was an ``upsert``.
    """

    files: Mapping[str, CommittedFile]
    superseded: int
    spans: Sequence[tuple[float, float]]
    upserts: bool

    @property
    def versions(self) -> dict[str, str]:
        """Return the versions of the existing files, by key."""
        return {
            key: one.file.version
            for key, one in self.files.items()
            if one.file.version is not None
        }

    @property
    def overtaken(self) -> bool:
        """True if another run had written a file since it was opened."""
        return any(one.overtaken for one in self.files.values())

    def result(self) -> CommitResult:
        """Return the commit result for the framework."""
        done = [one for one in self.files.values() if one.file.version is not None]
        outputs = [
            Output(
                uri=one.file.uri,
                rows=one.file.rows - one.file.deleted,
                deleted_rows=one.file.deleted if self.upserts else None,
                new_rows=one.counts.inserted,
                bytes=one.file.size,
                version=one.file.version,
            )
            for one in done
        ]
        counts = [one.counts for one in self.files.values()]
        return CommitResult(
            outputs,
            self.superseded + sum(one.duplicates for one in self.files.values()),
            max((one.file.newest for one in done if one.file.newest), default=None),
            [("merge", span) for span in self.spans],
            upserted=UpsertCounts(*map(sum, zip(*counts, strict=True)))
            if self.upserts
            else None,
            overtaken=self.overtaken,
        )
