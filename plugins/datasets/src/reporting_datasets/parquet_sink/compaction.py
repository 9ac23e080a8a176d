"""Compaction: small files of a partition become few files of the target size."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import polars as pl

from reporting_datasets.parquet_sink.commit import Change
from reporting_datasets.parquet_sink.data_files import DataFiles
from reporting_datasets.parquet_sink.manifest import DataFile, Manifest
from reporting_datasets.parquet_sink.writing import FileWriter, Written, in_files
from reporting_datasets.ranges import key_ranges
from reporting_datasets.staging import StagingArea

SMALL = 0.5
"""Share of the target size below which a file is small."""


class Merge(NamedTuple):
    """Files of one partition that are merged.

    Attributes:
        partition: Folder of the files.
        files: The files.
        rows: Number of rows of a file that they are merged into.
    """

    partition: str
    files: Sequence[DataFile]
    rows: int


@dataclass(frozen=True, slots=True)
class CompactionPlanner:
    """Planner of a compaction.

    Attributes:
        files: Reader of the files.
        area: Staging area.
        writer: Writer of data files.
        target: Size in bytes that files aim at.
    """

    files: DataFiles
    area: StagingArea
    writer: FileWriter
    target: int

    def change(self, manifest: Manifest, overtaken: bool) -> Change:
        """Plan the merging of all small files; nothing else changes."""
        merges = list(self._merges(manifest))
        following = manifest
        columns = []
        for merge in merges:
            following, number = following.with_schema(self._schema(manifest, merge))
            columns.append(number)

        def write() -> Iterator[tuple[str, int, Written]]:
            for merge, number in zip(merges, columns, strict=True):
                for written in self._merged(manifest, merge):
                    yield merge.partition, number, written

        return Change(
            [file for merge in merges for file in merge.files],
            [merge.partition for merge in merges],
            write if merges else None,
            following,
            manifest.state,
        )

    def _merges(self, manifest: Manifest) -> Iterator[Merge]:
        """Yield the merges that make fewer files."""
        groups: dict[tuple[str, str], list[DataFile]] = defaultdict(list)
        for file in manifest.files:
            if file.bytes < SMALL * self.target:
                mapping = self.files.mapping(manifest, file)
                extra = "" if mapping is None else repr(mapping.kept)
                groups[file.partition, extra.replace("[]", "")].append(file)
        for (partition, _), small in sorted(groups.items()):
            rows = sum(file.rows for file in small)
            size = sum(file.bytes for file in small)
            each = max(1000, int(self.target * rows / size))
            if -(-rows // each) < len(small):
                yield Merge(partition, small, each)

    def _schema(self, manifest: Manifest, merge: Merge) -> pl.Schema:
        mapping = self.files.mapping(manifest, merge.files[0])
        return self.files.schema if mapping is None else mapping.schema

    def _merged(self, manifest: Manifest, merge: Merge) -> Iterator[Written]:
        schema = self._schema(manifest, merge)
        pieces = [
            self.area.add(frame.select(schema.names()), versions=False)
            for file in merge.files
            for frame in self.files.frames(manifest, file)
        ]
        joined = self.area.join(pieces, versions=False)
        ranges = key_ranges(joined, schema.to_frame(), versions=False)
        frames = (part.rows for part in ranges if part.rows.height)
        for rows in in_files(frames, merge.rows):
            with self.files.store.temp_path(self.files.place.manifest) as path:
                if (written := self.writer.write(rows, schema, path)) is not None:
                    yield written
        for piece in joined:
            piece.path.unlink()
