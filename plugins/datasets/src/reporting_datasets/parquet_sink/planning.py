"""Planning of a run's change of a dataset, in each write mode."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import polars as pl

from reporting_datasets.parquet_sink.commit import Change
from reporting_datasets.parquet_sink.data_files import DataFiles
from reporting_datasets.parquet_sink.manifest import DataFile, Manifest
from reporting_datasets.parquet_sink.partitions import Partitions
from reporting_datasets.parquet_sink.plan import Plan
from reporting_datasets.parquet_sink.resolution import Resolver
from reporting_datasets.parquet_sink.writing import (
    PACKED,
    FileWriter,
    Written,
    changed_rows,
    in_files,
)
from reporting_datasets.ranges import KeyRange, key_ranges
from reporting_datasets.staging import Piece, StagingArea
from reporting_framework import SOURCE_KEY, CommitContext, WriteMode
from reporting_framework.storage import row_versions


@dataclass(frozen=True, slots=True)
class RunPlanner:
    """Planner of the change that a run makes.

    Attributes:
        files: Reader of the files.
        partitions: Folders of rows.
        schema: Columns of the dataset.
        mode: Write mode.
        pieces: Staged rows.
        context: Further data of the commit.
        area: Staging area.
        writer: Writer of data files.
        target: Size in bytes that files aim at.
        hard: Whether deleted rows are removed.
        partition_by: The setting.
        opened_state: Source state that the run started from.
        deletes_stay: See `Resolver`.
    """

    files: DataFiles
    partitions: Partitions
    schema: pl.Schema
    mode: WriteMode
    pieces: Sequence[Piece]
    context: CommitContext
    area: StagingArea
    writer: FileWriter
    target: int
    hard: bool
    partition_by: tuple[str, ...]
    opened_state: Mapping[str, Any] | None
    deletes_stay: bool = True

    def change(self, manifest: Manifest, overtaken: bool) -> Change:
        """Plan the change of a manifest.

        Args:
            manifest: The present manifest.
            overtaken: Whether another run has committed since the run began.
        """
        at = self.context.at or datetime.now(UTC)
        replaces = self.mode == "replace"
        if overtaken and not replaces:  # the other run may have had other columns
            self.files.check_values(manifest)
        snapshot = self.mode == "upsert" and self.context.snapshot and not overtaken
        state = manifest.state
        if self.context.state is not None and (
            replaces or not overtaken or self._follows(manifest)
        ):
            state = dict(self.context.state)
        plan = Plan(self.area)
        resolver = Resolver(
            self.files,
            manifest,
            self.partitions,
            self.schema,
            hard=self.hard,
            late=self.context.at if overtaken else None,
            deletes_stay=self.deletes_stay,
        )
        self._resolve(resolver, plan, snapshot=snapshot)
        removed = (
            list(manifest.files)
            if replaces
            else [manifest.files[number] for number in plan.touched]
        )
        following, columns = manifest.with_schema(self.schema)
        following = replace(following, partition_by=self.partition_by, fits=columns)
        following, rewrites = self._rewrites(following, plan)
        return Change(
            removed,
            [*plan.new.labels, *(file.partition for file, _ in rewrites.values())],
            self._writer(following, plan, rewrites, columns, at)
            if plan.new.labels or rewrites
            else None,
            following,
            state,
            plan.counts,
            plan.duplicates,
        )

    def _follows(self, manifest: Manifest) -> bool:
        """Return whether the state of an overtaken run is that of the present table.

        It is if the other commit left the state as it was, as a compaction does. A
        snapshot is not applied then, so its state must not be kept either.
        """
        return manifest.state == self.opened_state and not self.context.snapshot

    def _resolve(self, resolver: Resolver, plan: Plan, *, snapshot: bool) -> None:
        """Decide about all staged rows, range by range."""
        versions = self.mode != "append"
        columns = dict(self.schema)
        if versions:
            columns |= row_versions.VERSION_COLUMNS
        empty = pl.DataFrame(schema=columns)
        others = pl.DataFrame(
            {SOURCE_KEY: self.context.not_staged}, {SOURCE_KEY: pl.String}
        )
        apply: Mapping[WriteMode, Callable[[Plan, KeyRange], None]] = {
            "append": resolver.append,
            "upsert": resolver.upsert,
            "replace": resolver.replace,
        }
        plan.count(sum(piece.superseded for piece in self.pieces))
        for part in key_ranges(self.pieces, empty, versions=versions):
            if part.rows.height:
                apply[self.mode](plan, part)
            if snapshot:
                resolver.delete_unseen(plan, part, others)
        if self.mode == "upsert" and self.hard:
            resolver.purge(plan)

    def _rewrites(
        self, manifest: Manifest, plan: Plan
    ) -> tuple[Manifest, Mapping[int, tuple[DataFile, int]]]:
        """Return the files to write again, each with its number of the schema."""
        rewrites = {}
        if self.mode == "upsert":
            for number in plan.touched:
                file = manifest.files[number]
                mapping = self.files.mapping(manifest, file)
                schema = self.schema if mapping is None else mapping.schema
                manifest, columns = manifest.with_schema(schema)
                rewrites[number] = (file, columns)
        return manifest, rewrites

    def _writer(
        self,
        manifest: Manifest,
        plan: Plan,
        rewrites: Mapping[int, tuple[DataFile, int]],
        columns: int,
        at: datetime,
    ) -> Callable[[], Iterator[tuple[str, int, Written]]]:
        def write() -> Iterator[tuple[str, int, Written]]:
            for number, (file, number_of_schema) in rewrites.items():
                written = self._rewritten(manifest, plan, number, at)
                for each in written:
                    yield file.partition, number_of_schema, each
            for folder in plan.new.labels:
                rows = self._rows_per_file(manifest, plan, folder)
                for frames in in_files(plan.new.frames(folder), rows):
                    for each in self._put(frames, self.schema):
                        yield folder, columns, each

        return write

    def _rewritten(
        self, manifest: Manifest, plan: Plan, number: int, at: datetime
    ) -> Iterator[Written]:
        """Write a file after its changes."""
        file = manifest.files[number]
        mapping = self.files.mapping(manifest, file)
        new = plan.replacing.frames(str(number))
        if mapping is not None:
            new = map(mapping.extended, new)
        frames = changed_rows(
            self.files.frames(manifest, file),
            plan.change(number),
            new,
            at,
            purge=self.hard,
        )
        yield from self._put(frames, self.schema if mapping is None else mapping.schema)

    def _put(
        self, frames: Iterator[pl.DataFrame], schema: pl.Schema
    ) -> Iterator[Written]:
        store, place = self.files.store, self.files.place
        with store.temp_path(place.manifest) as path:
            written = self.writer.write(frames, schema, path)
            if written is not None:
                yield written

    def _rows_per_file(self, manifest: Manifest, plan: Plan, folder: str) -> int:
        """Return the number of rows that a file of the target size has."""
        if manifest.rows >= 1000:
            of_row = manifest.size / manifest.rows
        else:
            of_row = PACKED * plan.new.bytes[folder] / plan.new.rows[folder]
        return max(1000, int(self.target / max(of_row, 1)))
