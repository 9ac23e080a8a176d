"""Resolution of a commit: which staged rows apply, and which rows of files go."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import polars as pl

from reporting_datasets.parquet_sink.data_files import AT, FILE, DataFiles
from reporting_datasets.parquet_sink.manifest import Manifest
from reporting_datasets.parquet_sink.partitions import PARTITION, Partitions
from reporting_datasets.parquet_sink.plan import Plan
from reporting_datasets.ranges import KeyRange
from reporting_framework import DELETED_AT, SOURCE_KEY, VERSION
from reporting_framework.storage import parquet_errors, row_versions

_OLD, _NEW, _TOMBSTONE = "_reporting_old", "_reporting_new", "_reporting_tombstone"
_OLD_VERSION, _OLD_DELETED = f"{VERSION}{_OLD}", f"{DELETED_AT}{_OLD}"
_KIND = "_reporting_kind"


@dataclass(frozen=True, slots=True)
class Resolver:
    """Decisions about ranges of staged rows.

    Attributes:
        files: Reader of the files.
        manifest: Version of the dataset that is changed.
        partitions: Folders of rows.
        schema: Columns of the dataset.
        hard: Whether deleted rows are removed.
        late: Time at which the run began, if another run has committed since: a row
            that was deleted later stays deleted, unless a newer version is staged.
        deletes_stay: Whether a delete is written into the file of its row. Otherwise it
            is written into the partition of its values, which are null.
    """

    files: DataFiles
    manifest: Manifest
    partitions: Partitions
    schema: pl.Schema
    hard: bool = False
    late: datetime | None = None
    deletes_stay: bool = True
    _payload: list[str] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        """Name the columns of the report."""
        own = (SOURCE_KEY, *row_versions.VERSION_COLUMNS)
        self._payload.extend(name for name in self.schema if name not in own)

    # -- append and replace ------------------------------------------------------------

    def append(self, plan: Plan, part: KeyRange) -> None:
        """Add staged rows whose source keys no file has."""
        rows = part.rows
        known = self.files.matching(self.manifest, rows[SOURCE_KEY], [SOURCE_KEY])
        new = rows.join(known, on=SOURCE_KEY, how="anti", maintain_order="left")
        plan.count(part.superseded + rows.height - new.height, inserted=new.height)
        self._write(plan, new)

    def replace(self, plan: Plan, part: KeyRange) -> None:
        """Add staged rows, without deletes; they are the whole table."""
        rows = part.rows.filter(pl.col(DELETED_AT).is_null()).drop(
            *row_versions.VERSION_COLUMNS
        )
        plan.count(part.superseded, inserted=rows.height)
        self._write(plan, rows)

    def _write(self, plan: Plan, rows: pl.DataFrame) -> None:
        """Add rows to the new files of their partitions."""
        for folder, part in _by(self.partitions.added(rows), PARTITION):
            plan.new.add(folder, part.drop(PARTITION))

    # -- upsert ------------------------------------------------------------------------

    def upsert(self, plan: Plan, part: KeyRange) -> None:
        """Apply staged rows that are not older than the rows of files."""
        rows = part.rows
        old = self._old(rows[SOURCE_KEY])
        decided = rows.join(old, on=SOURCE_KEY, how="left", maintain_order="left")
        decided = decided.with_columns(self._kind().alias(_KIND))
        decided = self._without_same(decided)
        counts = dict(decided[_KIND].value_counts().iter_rows())
        older = decided.filter(
            pl.col(_KIND).eq("older") & pl.col(DELETED_AT).is_null()
        ).height
        plan.count(
            part.superseded + older,
            **{
                name: counts.get(name, 0)
                for name in ("inserted", "updated", "unchanged", "deleted")
            },
        )
        applied = decided.filter(~pl.col(_KIND).is_in(["older", "unchanged", "same"]))
        plan.drop(applied.filter(pl.col(AT).is_not_null()).select(FILE, AT))
        if self.hard:
            applied = applied.filter(pl.col(DELETED_AT).is_null())
        self._place(plan, applied)

    def _old(self, keys: pl.Series) -> pl.DataFrame:
        """Return versions and positions of the rows with these source keys."""
        columns = [SOURCE_KEY, VERSION, DELETED_AT]
        old = self.files.matching(self.manifest, keys, columns)
        return old.rename({VERSION: _OLD_VERSION, DELETED_AT: _OLD_DELETED})

    def _kind(self) -> pl.Expr:
        """Return an expression: the effect of a staged row."""
        version, deleted = pl.col(VERSION), pl.col(DELETED_AT)
        was, gone = pl.col(_OLD_VERSION), pl.col(_OLD_DELETED)
        exists, live = pl.col(AT).is_not_null(), gone.is_null()
        older = exists & was.is_not_null() & (version.is_null() | (version < was))
        same = exists & version.eq_missing(was)
        late = pl.lit(False)
        if self.late is not None:
            late = (same & deleted.is_null() & (gone > self.late)).fill_null(False)
        inserted = (
            pl.when(exists & live).then(pl.lit("updated")).otherwise(pl.lit("inserted"))
        )
        removed = (
            pl.when(exists & live)
            .then(pl.lit("deleted"))
            .otherwise(pl.lit("tombstone"))
        )
        return (
            pl.when(older | late)
            .then(pl.lit("older"))
            .when(deleted.is_null())
            .then(inserted)
            .otherwise(removed)
        )

    def _without_same(self, decided: pl.DataFrame) -> pl.DataFrame:
        """Return the rows; those that a file has in the same version are compared.

        An equal row stays as it is. A row stays deleted in the version in which the
        source has deleted it: such a delete is a row of nulls with a version. A delete
        that a snapshot has implied keeps the values, or has no version if all are null.
        """
        same = pl.col(AT).is_not_null() & pl.col(VERSION).eq_missing(
            pl.col(_OLD_VERSION)
        )
        tied = decided.filter(same & pl.col(_KIND).ne("older"))
        if not tied.height:
            return decided
        old = self._values(tied)
        staged = tied.select(self.schema.names())
        equal = _all([old[name].eq_missing(staged[name]) for name in self.schema])
        empty = _all([old[name].is_null() for name in self._payload], len(old))
        revives = (
            staged[DELETED_AT].is_null()
            & old[DELETED_AT].is_not_null()
            & staged[VERSION].is_not_null()
        )
        kinds = tied.select(
            SOURCE_KEY,
            pl.when(pl.lit(revives & empty))
            .then(pl.lit("older"))
            .when(pl.lit(equal))
            .then(
                pl.when(pl.col(DELETED_AT).is_null())
                .then(pl.lit("unchanged"))
                .otherwise(pl.lit("same"))
            )
            .otherwise(pl.col(_KIND))
            .alias(_NEW),
        )
        return (
            decided.join(kinds, on=SOURCE_KEY, how="left", maintain_order="left")
            .with_columns(pl.coalesce(_NEW, _KIND).alias(_KIND))
            .drop(_NEW)
        )

    def _values(self, tied: pl.DataFrame) -> pl.DataFrame:
        """Return the rows of files at these positions, in the order of the argument."""
        parts = []
        for number, part in _by(tied.select(SOURCE_KEY, FILE, AT), FILE):
            file = self.manifest.files[number]
            rows = self.files.rows(self.manifest, file)
            at = part[AT].cast(pl.UInt32).implode()
            with parquet_errors.reading(self.files.uri(file)):
                parts.append(
                    rows.filter(pl.col(AT).is_in(at))
                    .select(self.schema.names())
                    .collect()
                )
        old = pl.concat(parts)
        return tied.select(SOURCE_KEY).join(
            old, on=SOURCE_KEY, how="left", maintain_order="left"
        )

    def _place(self, plan: Plan, applied: pl.DataFrame) -> None:
        """Write rows into the file of their old row, or into their partition.

        A delete has no values that name a partition, so it stays in the file of its
        row, unless the values of a file's partition are not in the file.
        """
        rows = self.partitions.added(applied)
        folders = pl.Series(
            _OLD, [file.partition for file in self.manifest.files], pl.String
        )
        old = rows[FILE].cast(pl.UInt32)
        rows = rows.with_columns(
            pl.Series(
                _OLD, folders.gather(old) if len(folders) else old.cast(pl.String)
            )
        )
        here = pl.col(_OLD) == pl.col(PARTITION)
        if self.deletes_stay:
            here |= pl.col(DELETED_AT).is_not_null()
        stays = pl.col(AT).is_not_null() & here
        names = self.schema.names()
        for number, part in _by(rows.filter(stays), FILE):
            plan.replacing.add(str(number), part.select(names))
        for folder, part in _by(rows.filter(~stays), PARTITION):
            plan.new.add(folder, part.select(names))

    # -- deletes -----------------------------------------------------------------------

    def delete_unseen(
        self, plan: Plan, part: KeyRange, not_staged: pl.DataFrame
    ) -> None:
        """Delete rows of files in the range whose source keys were not read.

        Args:
            plan: The plan.
            part: Staged rows of the range.
            not_staged: Source keys of records that were read and not staged.
        """
        seen = pl.concat([part.rows.select(SOURCE_KEY), not_staged])
        inside = pl.col(SOURCE_KEY) >= part.low
        if part.high is not None:
            inside &= pl.col(SOURCE_KEY) < part.high
        for number, file in enumerate(self.manifest.files):
            if file.last < part.low or (part.high and file.first >= part.high):
                continue
            rows = (
                self.files.rows(self.manifest, file)
                .select(SOURCE_KEY, DELETED_AT, AT)
                .filter(inside & pl.col(DELETED_AT).is_null())
                .join(seen.lazy(), on=SOURCE_KEY, how="anti")
                .select(pl.lit(number, pl.UInt32).alias(FILE), AT)
            )
            with parquet_errors.reading(self.files.uri(file)):
                gone = rows.collect()
            plan.count(deleted=gone.height)
            if self.hard:
                plan.drop(gone)
            else:
                plan.mark_deleted(gone)

    def purge(self, plan: Plan) -> None:
        """Rewrite files with rows that were marked as deleted before."""
        plan.rewrites.update(
            number for number, file in enumerate(self.manifest.files) if file.deleted
        )


def _by(rows: pl.DataFrame, column: str) -> Iterator[tuple[Any, pl.DataFrame]]:
    """Yield the rows by the value of a column, in their order."""
    parts = rows.partition_by(column, as_dict=True, maintain_order=True)
    for (value,), part in parts.items():
        yield value, part


def _all(masks: Sequence[pl.Series], rows: int = 0) -> pl.Series:
    """Return whether all masks are true, row by row."""
    if not masks:
        return pl.repeat(True, rows, dtype=pl.Boolean, eager=True)
    return pl.select(pl.all_horizontal(masks)).to_series()
