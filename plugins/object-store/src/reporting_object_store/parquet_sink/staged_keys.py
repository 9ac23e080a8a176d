"""Source keys and versions of staged rows, with those of the rows in the files.

Only these columns are read. If there are many staged rows, both sides are divided into
buckets that fit into memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl

from reporting_framework import DELETED_AT, SOURCE_KEY, VERSION
from reporting_framework.storage import parquet_errors
from reporting_object_store.parquet_sink.checkpoint import Checkpoint
from reporting_object_store.parquet_sink.merge import READ_ROWS
from reporting_object_store.parquet_sink.spill import Spill
from reporting_object_store.parquet_sink.staging import StagedFile

BUCKET = 262_144
"""Number of staged rows that are processed together."""

FEW = 4_096
"""Maximum number of source keys that are searched in a whole file at once."""

MOMENT, PIECE = "_reporting_moment", "_reporting_piece"
ROW, TARGET = "_reporting_row", "_reporting_target"
FILE, AT = "_reporting_file", "_reporting_at"
STAGED_SCHEMA = pl.Schema(
    {
        SOURCE_KEY: pl.String(),
        VERSION: pl.String(),
        DELETED_AT: pl.Datetime("us", "UTC"),
        MOMENT: pl.Int64(),
        PIECE: pl.UInt32(),
        ROW: pl.UInt32(),
        TARGET: pl.UInt32(),
    }
)
"""Schema of staged rows: number of the piece, position in it, and number of the file
that the row is for.
"""

OLD_SCHEMA = pl.Schema(
    {
        SOURCE_KEY: pl.String(),
        VERSION: pl.String(),
        DELETED_AT: pl.Datetime("us", "UTC"),
        MOMENT: pl.Int64(),
        FILE: pl.UInt32(),
        AT: pl.UInt32(),
    }
)
"""Schema of rows of files: number of the file, and position in it."""


class Bucket(NamedTuple):
    """Staged rows, and rows of the files.

    Attributes:
        staged: Staged rows, in `STAGED_SCHEMA`.
        old: Rows of the files with source keys of staged or protected rows, in
            `OLD_SCHEMA`.
    """

    staged: pl.DataFrame
    old: pl.DataFrame


class KeyReader:
    """Reader of source keys and versions.

    Args:
        files: The files, as they were opened.
        pieces: The staged rows.
        timestamp: Column by which both are sorted.
        folder: Folder for data that does not fit into memory.
        protected: Source keys of further rows to look up.
    """

    def __init__(
        self,
        files: Mapping[str, Checkpoint],
        pieces: Sequence[StagedFile],
        timestamp: str,
        folder: Path,
        protected: Sequence[str] = (),
    ) -> None:
        self._files = list(files.values())
        self._pieces = pieces
        self._moment = pl.col(timestamp).dt.timestamp("us").alias(MOMENT)
        self._numbers = {key: number for number, key in enumerate(files)}
        self._folder = folder
        self._protected = pl.DataFrame(
            {SOURCE_KEY: protected}, {SOURCE_KEY: pl.String()}
        )

    def buckets(self) -> Iterator[Bucket]:
        """Yield all staged rows, with the rows of the files with their source keys."""
        rows = sum(piece.rows for piece in self._pieces) + self._protected.height
        number = max(1, -(-rows // BUCKET))
        if number == 1:
            staged = _joined([*self._staged()], STAGED_SCHEMA)
            wanted = self._wanted(staged, self._protected)
            yield Bucket(staged, _joined([*self._old(wanted)], OLD_SCHEMA))
            return
        spills = [
            Spill(self._folder, name, number) for name in ("staged", "old", "other")
        ]
        try:
            sides = (self._staged(), self._old(None), iter([self._protected]))
            for spill, frames in zip(spills, sides, strict=True):
                for frame in frames:
                    spill.add(frame)
            for bucket in range(number):
                yield self._bucket(spills, bucket)
        finally:
            for spill in spills:
                spill.clear()

    def _bucket(self, spills: Sequence[Spill], bucket: int) -> Bucket:
        of_staged, of_old, of_other = (spill.frames(bucket) for spill in spills)
        staged = _joined([*of_staged], STAGED_SCHEMA)
        protected = pl.concat([self._protected.clear(), *of_other])
        wanted = self._wanted(staged, protected)
        old = [frame.join(wanted, on=SOURCE_KEY, how="semi") for frame in of_old]
        return Bucket(staged, _joined(old, OLD_SCHEMA))

    def _wanted(self, staged: pl.DataFrame, protected: pl.DataFrame) -> pl.DataFrame:
        return pl.concat([staged.select(SOURCE_KEY), protected])

    def _staged(self) -> Iterator[pl.DataFrame]:
        for number, piece in enumerate(self._pieces):
            keys = pl.scan_ipc(piece.path).select(
                SOURCE_KEY,
                VERSION,
                DELETED_AT,
                self._moment,
                pl.lit(number, pl.UInt32).alias(PIECE),
                pl.row_index(ROW).cast(pl.UInt32),
                pl.lit(self._numbers[piece.key], pl.UInt32).alias(TARGET),
            )
            for begin in range(0, piece.rows, READ_ROWS):
                yield keys.slice(begin, READ_ROWS).collect()

    def _old(self, wanted: pl.DataFrame | None) -> Iterator[pl.DataFrame]:
        """Yield rows of the files with wanted source keys, or all rows."""
        for number, file in enumerate(self._files):
            if not file.rows:
                continue
            keys = file.numbered(AT).select(
                SOURCE_KEY,
                VERSION,
                DELETED_AT,
                self._moment,
                pl.lit(number, pl.UInt32).alias(FILE),
                pl.col(AT).cast(pl.UInt32),
            )
            with parquet_errors.reading(file.uri):
                if wanted is not None and wanted.height <= FEW:
                    chosen = pl.col(SOURCE_KEY).is_in(wanted[SOURCE_KEY].implode())
                    yield keys.filter(chosen).collect()
                    continue
                for begin in range(0, file.rows, READ_ROWS):
                    frame = keys.slice(begin, READ_ROWS).collect()
                    yield (
                        frame
                        if wanted is None
                        else frame.join(wanted, on=SOURCE_KEY, how="semi")
                    )


def _joined(frames: Sequence[pl.DataFrame], schema: pl.Schema) -> pl.DataFrame:
    return pl.concat([schema.to_frame(), *frames])
