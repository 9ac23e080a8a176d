"""Which rows of a table and which staged ones an upsert keeps.

It is decided by source keys and versions alone; values are compared only where versions
are equal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from reporting_framework import DELETED_AT, SOURCE_KEY, VERSION
from reporting_framework.plugin_api.records import UpsertCounts
from reporting_object_store.parquet_sink.checkpoint import Checkpoint
from reporting_object_store.parquet_sink.row_comparison import equal_pairs
from reporting_object_store.parquet_sink.row_versions import ORDER
from reporting_object_store.parquet_sink.staged_keys import (
    AT,
    FILE,
    MOMENT,
    PIECE,
    ROW,
    TARGET,
    Bucket,
    KeyReader,
)
from reporting_object_store.parquet_sink.staging import StagedFile

_DELETE, _APPLIES, _LIVE, _GONE, _SAME = (
    "_delete",
    "_applies",
    "_live",
    "_gone",
    "_same",
)
_COUNTS = ("inserted", "updated", "deleted", "duplicates", "kept")


@dataclass(slots=True)
class FilePlan:
    """What an upsert does to one file.

    Attributes:
        dropped: Positions of rows to leave out, in order.
        moved: Positions of rows to leave out once their newest version is in another
            file, in order.
        tied: Positions of rows of the same version as one that goes to another file.
        known: Positions of rows whose source keys were read, in order.
        known_live: How many of these rows are not deleted.
        kept: Staged rows that the file gets.
        counts: What is done to rows.
        duplicates: Staged rows, other than deletes, that are not applied.
    """

    dropped: pl.Series
    moved: pl.Series
    tied: pl.Series
    known: pl.Series
    known_live: int = 0
    kept: int = 0
    counts: UpsertCounts = field(default_factory=UpsertCounts)
    duplicates: int = 0


@dataclass(slots=True)
class Resolution:
    """What an upsert does to each file, and which staged rows it leaves out.

    Attributes:
        plans: What it does to each file, by key.
        skipped: Positions of staged rows to leave out, in order, by their piece's path.
    """

    plans: Mapping[str, FilePlan]
    skipped: Mapping[Path, pl.Series]


def resolve(
    files: Mapping[str, Checkpoint],
    pieces: Sequence[StagedFile],
    timestamp: str,
    folder: Path,
    *,
    hard: bool = False,
    protected: Sequence[str] = (),
) -> Resolution:
    """Decide which rows stay.

    Args:
        files: All files of the table, and those that rows are staged for, by key.
        pieces: The staged rows, in the order in which they came.
        timestamp: The column by which rows are sorted.
        folder: Where to put what does not fit into memory.
        hard: Whether a delete removes its row.
        protected: Source keys of which `FilePlan.known` is to tell, too.
    """
    found = _Found(hard=hard)
    reader = KeyReader(files, pieces, timestamp, folder, protected)
    if _all_new(files, pieces, hard=hard):
        found.take_all(files, pieces)
    else:
        for bucket in reader.buckets():
            found.add(bucket)
    numbered = list(files.values())
    for number, pairs in _by(found.joined(found.pairs, _PAIR), FILE).items():
        found.keep_unchanged(equal_pairs(numbered[number], pieces, pairs))
    return found.resolution(list(files), pieces)


_PAIR = (FILE, AT, PIECE, ROW, TARGET, _DELETE)


def _all_new(
    files: Mapping[str, Checkpoint], pieces: Sequence[StagedFile], *, hard: bool
) -> bool:
    """Return whether there are no other rows of any staged source key.

    A piece has a source key once. What differs in its hash is another.
    """
    if any(file.rows for file in files.values()):
        return False
    if hard and any(piece.deletes for piece in pieces):
        return False
    if len(pieces) < 2:
        return True
    hashes = pl.concat(
        pl.scan_ipc(piece.path).select(pl.col(SOURCE_KEY).hash()).collect()
        for piece in pieces
    )[SOURCE_KEY]
    return hashes.n_unique() == len(hashes)


class _Found:
    """What was found out so far."""

    def __init__(self, *, hard: bool) -> None:
        self._hard = hard
        self.pairs: list[pl.DataFrame] = []
        self._dropped: list[pl.DataFrame] = []
        self._moved: list[pl.DataFrame] = []
        self._tied: list[pl.DataFrame] = []
        self._known: list[pl.DataFrame] = []
        self._live: Counter[int] = Counter()
        self._skipped: list[pl.DataFrame] = []
        self._unchanged: list[pl.DataFrame] = []
        self._counts: list[pl.DataFrame] = []

    def take_all(
        self, files: Mapping[str, Checkpoint], pieces: Sequence[StagedFile]
    ) -> None:
        """Note that all staged rows are kept."""
        numbers = {key: number for number, key in enumerate(files)}
        rows = [
            (numbers[piece.key], piece.rows - piece.deletes, 0, 0, 0, piece.rows)
            for piece in pieces
        ]
        self._counts.append(pl.DataFrame(rows, [TARGET, *_COUNTS], orient="row"))

    def add(self, bucket: Bucket) -> None:
        """Decide about some of the rows."""
        staged = bucket.staged.with_columns(
            pl.col(DELETED_AT).is_not_null().alias(_DELETE)
        )
        newest, older = _newest(staged, PIECE)
        best, _ = _newest(bucket.old, FILE)
        decided = self._decided(newest, best)
        self._known.append(bucket.old.select(FILE, AT))
        live = bucket.old.filter(pl.col(DELETED_AT).is_null())
        self._live.update(dict(live.group_by(FILE).len().iter_rows()))
        self._note_old_rows(bucket.old, decided)
        written = pl.col(_APPLIES) & ~pl.col(_GONE)
        self._skipped += [
            older.select(PIECE, ROW),
            decided.filter(~written).select(PIECE, ROW),
        ]
        self.pairs.append(decided.filter(_SAME).select(_PAIR))
        self._counts += [
            _counted(decided),
            older.filter(~pl.col(_DELETE))
            .group_by(TARGET)
            .agg(pl.len().cast(pl.Int64).alias("duplicates")),
        ]

    def _decided(self, newest: pl.DataFrame, best: pl.DataFrame) -> pl.DataFrame:
        """Say of the newest staged rows whether they apply, and what that means."""
        was = f"{VERSION}_right"
        version, deleted = pl.col(VERSION), pl.col(DELETED_AT)
        older = pl.col(was).is_not_null() & (
            version.is_null() | (version < pl.col(was))
        )
        there = pl.col(AT).is_not_null()
        same = (
            there
            & version.eq_missing(pl.col(was))
            & deleted.eq_missing(pl.col(f"{DELETED_AT}_right"))
            & (pl.col(MOMENT) == pl.col(f"{MOMENT}_right"))
            & (pl.col(TARGET) == pl.col(FILE))
        )
        return newest.join(best, on=SOURCE_KEY, how="left").with_columns(
            (~older).alias(_APPLIES),
            (there & pl.col(f"{DELETED_AT}_right").is_null()).alias(_LIVE),
            (pl.col(_DELETE) & self._hard).alias(_GONE),
            (same & ~(pl.col(_DELETE) & self._hard)).fill_null(False).alias(_SAME),
        )

    def _note_old_rows(self, old: pl.DataFrame, decided: pl.DataFrame) -> None:
        """Note which rows of files do not stay, or stay only for now."""
        about = decided.select(
            SOURCE_KEY,
            TARGET,
            _APPLIES,
            _GONE,
            best_file=FILE,
            best_at=AT,
            new=VERSION,
        )
        rows = old.join(about, on=SOURCE_KEY)
        here = (pl.col(TARGET) == pl.col(FILE)) | pl.col(_GONE)
        best = (pl.col(FILE) == pl.col("best_file")) & (pl.col(AT) == pl.col("best_at"))
        dropped = pl.when(_APPLIES).then(here).otherwise(~best)
        self._dropped.append(rows.filter(dropped).select(FILE, AT))
        elsewhere = rows.filter(pl.col(_APPLIES) & ~here)
        tied = pl.col("new").eq_missing(pl.col(VERSION))
        self._moved.append(elsewhere.filter(~tied).select(FILE, AT))
        self._tied.append(elsewhere.filter(tied).select(FILE, AT))

    def keep_unchanged(self, pairs: pl.DataFrame) -> None:
        """Note that these staged rows are there already: the old ones stay."""
        self._unchanged.append(pairs)
        self._skipped.append(pairs.select(PIECE, ROW))
        live = (~pl.col(_DELETE)).cast(pl.Int64)
        self._counts.append(
            pairs.select(
                TARGET,
                unchanged=live,
                updated=-live,
                kept=pl.lit(-1, pl.Int64),
            )
        )

    def joined(
        self, frames: Sequence[pl.DataFrame], columns: Sequence[str]
    ) -> pl.DataFrame:
        """Return frames as one."""
        types = {name: pl.UInt32() for name in columns} | {_DELETE: pl.Boolean()}
        schema = pl.Schema({name: types[name] for name in columns})
        return pl.concat([schema.to_frame(), *frames])

    def resolution(
        self, keys: Sequence[str], pieces: Sequence[StagedFile]
    ) -> Resolution:
        """Return what was decided."""
        unchanged = self.joined(self._unchanged, _PAIR)
        dropped = self.joined(self._dropped, (FILE, AT))
        if unchanged.height:
            dropped = dropped.join(unchanged, on=(FILE, AT), how="anti")
        rest = [
            self.joined(found, (FILE, AT))
            for found in (self._moved, self._tied, self._known)
        ]
        positions = [_by(frame, FILE) for frame in (dropped, *rest)]
        skipped = _by(self.joined(self._skipped, (PIECE, ROW)), PIECE)
        counts = _summed(self._counts)
        none = pl.DataFrame(schema={AT: pl.UInt32})
        plans = {}
        for number, key in enumerate(keys):
            found = [by.get(number, none)[AT].sort() for by in positions]
            gone, moved, tied, known = found
            plan = FilePlan(gone, moved, tied, known, self._live[number])
            plans[key] = _with_counts(plan, counts.get(number, {}))
        return Resolution(
            plans,
            {pieces[number].path: rows[ROW].sort() for number, rows in skipped.items()},
        )


def _newest(rows: pl.DataFrame, then: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the newest row of each source key, and the others.

    Of equal versions a delete is newer, and then the row with the greater `then`.
    """
    again = rows[SOURCE_KEY].is_duplicated()
    if not again.any():
        return rows, rows.clear()
    several = rows.filter(again).with_row_index("_number")
    newest = several.sort(*ORDER, then, nulls_last=False).unique(
        SOURCE_KEY, keep="last"
    )
    older = several.join(newest, on="_number", how="anti")
    return (
        pl.concat([rows.filter(~again), newest.drop("_number")]),
        older.drop("_number"),
    )


def _counted(decided: pl.DataFrame) -> pl.DataFrame:
    """Count what applies, by file."""
    applies, live, delete = pl.col(_APPLIES), pl.col(_LIVE), pl.col(_DELETE)
    counts = {
        "inserted": applies & ~delete & ~live,
        "updated": applies & ~delete & live,
        "deleted": applies & delete & live,
        "duplicates": ~applies & ~delete,
        "kept": applies & ~pl.col(_GONE),
    }
    return decided.group_by(TARGET).agg(
        [rows.sum().cast(pl.Int64).alias(name) for name, rows in counts.items()]
    )


def _summed(counts: Sequence[pl.DataFrame]) -> Mapping[int, Mapping[str, int]]:
    if not counts:
        return {}
    total = (
        pl.concat(
            [frame.with_columns(pl.col(TARGET).cast(pl.UInt32)) for frame in counts],
            how="diagonal",
        )
        .group_by(TARGET)
        .sum()
    )
    return {row.pop(TARGET): row for row in total.iter_rows(named=True)}


def _with_counts(plan: FilePlan, counts: Mapping[str, int]) -> FilePlan:
    number = {name: counts.get(name) or 0 for name in (*_COUNTS, "unchanged")}
    plan.kept = number["kept"]
    plan.duplicates = number["duplicates"]
    plan.counts = UpsertCounts(
        number["inserted"], number["updated"], number["unchanged"], number["deleted"]
    )
    return plan


def _by(frame: pl.DataFrame, column: str) -> Mapping[int, pl.DataFrame]:
    parts = frame.partition_by(column, as_dict=True)
    return {number: part for (number,), part in parts.items()}
