"""Resolution of an upsert: the rows of the table and the staged rows to keep.

Only source keys and versions are used; values are compared only if versions are equal.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import polars as pl

from reporting_framework import DELETED_AT, SOURCE_KEY, VERSION
from reporting_framework.plugin_api.records import UpsertCounts
from reporting_framework.storage import row_versions
from reporting_object_store.parquet_sink.checkpoint import Checkpoint
from reporting_object_store.parquet_sink.positions import Positions, parts_by
from reporting_object_store.parquet_sink.row_comparison import equal_rows, windows
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

_DELETE, _APPLIES, _LIVE, _GONE, _SAME, _LATE = (
    "_reporting_delete",
    "_reporting_applies",
    "_reporting_live",
    "_reporting_gone",
    "_reporting_same",
    "_reporting_late",
)


@dataclass(slots=True)
class FilePlan:
    """Plan of an upsert for one file.

    Attributes:
        dropped: Positions of rows to leave out, in order.
        moved: Positions of rows to leave out once their newest version is in another
            file, in order.
        tied: Positions of rows with the same version as a row that goes to another
            file.
        stale: Positions of rows to leave out because a newer version is in the table,
            in order: the positions in `dropped` that no staged row of the file
            replaces.
        known: Positions of rows whose source keys were read, in order.
        known_live: Number of these rows that are not deleted.
        kept: Number of staged rows that the file gets.
        counts: Counts of changed rows.
        duplicates: Number of staged rows, other than deletes, that are not applied.
    """

    dropped: pl.Series
    moved: pl.Series
    tied: pl.Series
    stale: pl.Series
    known: pl.Series
    known_live: int = 0
    kept: int = 0
    counts: UpsertCounts = field(default_factory=UpsertCounts)
    duplicates: int = 0

    @classmethod
    def nothing(cls) -> FilePlan:
        """Return the plan of a file that gets no rows."""
        none = pl.Series([], dtype=pl.UInt32)
        return cls(none, none, none, none, none)


@dataclass(slots=True)
class Resolution:
    """Plans of an upsert for each file, and the staged rows that it leaves out.

    Attributes:
        plans: Plan for each file, by key.
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
    protected: Sequence[str] | None = None,
    overtaken: Set[str] = frozenset(),
    at: datetime | None = None,
) -> Resolution:
    """Decide which rows stay.

    Args:
        files: All files of the table, and the files that rows are staged for, by key.
        pieces: Staged rows, in the order in which they were staged.
        timestamp: Column by which rows are sorted.
        folder: Folder for data that does not fit into memory.
        hard: Whether a delete removes its row.
        protected: Further source keys for `FilePlan.known`; `None` if `known` is not
            needed.
        overtaken: Keys of files that another run has written since they were opened.
        at: Time at which this run began: a row of these files that was deleted later
            stays deleted, unless a newer version is staged.
    """
    numbers = [number for number, key in enumerate(files) if key in overtaken]
    late = pl.col(FILE).is_in(numbers) & (pl.col(DELETED_AT) > at) if at else None
    resolver = _Resolver(hard=hard, tells_known=protected is not None, late=late)
    reader = KeyReader(files, pieces, timestamp, folder, protected or ())
    if _all_new(files, pieces, hard=hard):
        resolver.take_all(files, pieces)
    else:
        for bucket in reader.buckets():
            resolver.add(bucket)
    for number, file in enumerate(files.values()):
        for pairs in windows(resolver.take_pairs(number)):
            resolver.add_compared(number, pairs, equal_rows(file, pieces, pairs))
    return resolver.resolution(list(files), pieces)


def _all_new(
    files: Mapping[str, Checkpoint], pieces: Sequence[StagedFile], *, hard: bool
) -> bool:
    """Return whether no staged source key has any other row.

    Each piece has a source key once. Keys with different hashes are different.
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


class _Resolver:
    """Collector of the decisions about rows."""

    def __init__(self, *, hard: bool, tells_known: bool, late: pl.Expr | None) -> None:
        self._hard, self._tells_known = hard, tells_known
        self._late = pl.lit(False) if late is None else late
        self._pairs: dict[int, list[pl.DataFrame]] = defaultdict(list)
        self._dropped, self._moved = Positions(FILE, AT), Positions(FILE, AT)
        self._tied, self._known = Positions(FILE, AT), Positions(FILE, AT)
        self._stale = Positions(FILE, AT)
        self._skipped = Positions(PIECE, ROW)
        self._live: Counter[int] = Counter()
        self._counts: dict[int, Counter[str]] = defaultdict(Counter)

    def take_all(
        self, files: Mapping[str, Checkpoint], pieces: Sequence[StagedFile]
    ) -> None:
        """Record that all staged rows are kept."""
        numbers = {key: number for number, key in enumerate(files)}
        for piece in pieces:
            live = piece.rows - piece.deletes
            self._counts[numbers[piece.key]].update(inserted=live, kept=piece.rows)

    def add(self, bucket: Bucket) -> None:
        """Decide about some of the rows."""
        staged = bucket.staged.with_columns(
            pl.col(DELETED_AT).is_not_null().alias(_DELETE)
        )
        newest, older = row_versions.newest_of(staged, PIECE)
        best, _ = row_versions.newest_of(bucket.old, FILE)
        best = best.with_columns(self._late.fill_null(False).alias(_LATE))
        decided = self._decided(newest, best)
        if self._tells_known:
            self._known.add(bucket.old)
            live = bucket.old.filter(pl.col(DELETED_AT).is_null())
            self._live.update(dict(live.group_by(FILE).len().iter_rows()))
        self._note_old_rows(bucket.old, decided)
        self._skipped.add(older)
        self._skipped.add(decided.filter(~pl.col(_APPLIES) | pl.col(_GONE)))
        for number, pairs in parts_by(decided.filter(_SAME), FILE).items():
            self._pairs[number].append(pairs.select(AT, PIECE, ROW, _DELETE))
        self._count(_counted(decided))
        superseded = older.filter(~pl.col(_DELETE)).group_by(TARGET)
        self._count(superseded.agg(duplicates=pl.len()))

    def _count(self, counts: pl.DataFrame) -> None:
        """Add counts by the number of the rows' file."""
        for row in counts.iter_rows(named=True):
            self._counts[row.pop(TARGET)].update(row)

    def _decided(self, newest: pl.DataFrame, best: pl.DataFrame) -> pl.DataFrame:
        """Return the newest staged rows with whether they apply, and their effect."""
        was = f"{VERSION}_right"
        version, deleted = pl.col(VERSION), pl.col(DELETED_AT)
        older = pl.col(was).is_not_null() & (
            version.is_null() | (version < pl.col(was))
        )
        exists = pl.col(AT).is_not_null()
        late = pl.col(_LATE) & version.eq_missing(pl.col(was))
        outlived = (
            exists
            & ~pl.col(_DELETE)
            & (late | (_is_tombstone() & (version == pl.col(was))))
        ).fill_null(False)
        same = (
            exists
            & version.eq_missing(pl.col(was))
            & deleted.eq_missing(pl.col(f"{DELETED_AT}_right"))
            & (pl.col(MOMENT) == pl.col(f"{MOMENT}_right"))
            & (pl.col(TARGET) == pl.col(FILE))
        )
        return newest.join(best, on=SOURCE_KEY, how="left").with_columns(
            (~(older | outlived)).alias(_APPLIES),
            (exists & pl.col(f"{DELETED_AT}_right").is_null()).alias(_LIVE),
            (pl.col(_DELETE) & self._hard).alias(_GONE),
            (same & ~(pl.col(_DELETE) & self._hard)).fill_null(False).alias(_SAME),
        )

    def _note_old_rows(self, old: pl.DataFrame, decided: pl.DataFrame) -> None:
        """Record the rows of files that do not stay, or stay only for now."""
        about = decided.select(
            SOURCE_KEY,
            TARGET,
            _APPLIES,
            _GONE,
            _SAME,
            best_file=FILE,
            best_at=AT,
            new=VERSION,
            was=f"{VERSION}_right",
        )
        rows = old.join(about, on=SOURCE_KEY)
        here = (pl.col(TARGET) == pl.col(FILE)) | pl.col(_GONE)
        best = (pl.col(FILE) == pl.col("best_file")) & (pl.col(AT) == pl.col("best_at"))
        same = pl.col(_SAME) & best  # it stays unless the comparison says otherwise
        dropped = pl.when(_APPLIES).then(here & ~same).otherwise(~best)
        self._dropped.add(rows.filter(dropped))
        older = pl.col("was").is_not_null() & (
            pl.col(VERSION).is_null() | (pl.col(VERSION) < pl.col("was"))
        )
        self._stale.add(rows.filter(pl.when(_APPLIES).then(_GONE).otherwise(older)))
        elsewhere = rows.filter(pl.col(_APPLIES) & ~here)
        tied = pl.col("new").eq_missing(pl.col(VERSION))
        self._moved.add(elsewhere.filter(~tied))
        self._tied.add(elsewhere.filter(tied))

    def take_pairs(self, number: int) -> pl.DataFrame:
        """Return and forget positions in a file with tied staged rows."""
        pairs = self._pairs.pop(number, [])
        none = pl.Schema({AT: pl.UInt32(), PIECE: pl.UInt32(), ROW: pl.UInt32()})
        return pl.concat(pairs) if pairs else none.to_frame()

    def add_compared(self, number: int, pairs: pl.DataFrame, equal: pl.Series) -> None:
        """Record the staged rows that already exist: the old rows stay."""
        pairs = pairs.with_columns(pl.lit(number, pl.UInt32).alias(FILE))
        unchanged = pairs.filter(equal)
        self._skipped.add(unchanged)
        self._dropped.add(pairs.filter(~equal))
        live = unchanged.height - int(unchanged[_DELETE].sum())
        self._counts[number].update(
            unchanged=live, updated=-live, kept=-unchanged.height
        )

    def resolution(
        self, keys: Sequence[str], pieces: Sequence[StagedFile]
    ) -> Resolution:
        """Return the decisions."""
        plans = {}
        for number, key in enumerate(keys):
            count = self._counts[number]
            plans[key] = FilePlan(
                self._dropped.take(number),
                self._moved.take(number),
                self._tied.take(number),
                self._stale.take(number),
                self._known.take(number),
                self._live[number],
                count["kept"],
                UpsertCounts(*(count[name] for name in UpsertCounts._fields)),
                count["duplicates"],
            )
        skipped = self._skipped.numbers
        return Resolution(
            plans,
            {pieces[number].path: self._skipped.take(number) for number in skipped},
        )


def _is_tombstone() -> pl.Expr:
    """Return an expression: whether an old row is a delete that the source returned.

    The timestamp of such a row is the time of its deletion; a row that a snapshot has
    deleted keeps its timestamp. A timestamp may have only milliseconds.
    """
    deleted = pl.col(f"{DELETED_AT}_right").dt.timestamp("us")
    return (deleted - pl.col(f"{MOMENT}_right")).is_between(0, 999)


def _counted(decided: pl.DataFrame) -> pl.DataFrame:
    """Count the rows that apply, by file."""
    applies, live, delete = pl.col(_APPLIES), pl.col(_LIVE), pl.col(_DELETE)
    counts = {
        "inserted": applies & ~delete & ~live,
        "updated": applies & ~delete & live,
        "deleted": applies & delete & live,
        "duplicates": ~applies & ~delete,
        "kept": applies & ~pl.col(_GONE),
    }
    return decided.group_by(TARGET).agg(
        [rows.sum().alias(name) for name, rows in counts.items()]
    )
