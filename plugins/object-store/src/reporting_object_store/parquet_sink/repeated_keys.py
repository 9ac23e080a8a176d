"""Source keys that a run has staged more than once, for commits of ``append``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from reporting_framework import SOURCE_KEY
from reporting_object_store.parquet_sink.staging import StagedFile, StagingArea

BUCKET = 2_000_000
"""Number of hashes that are compared at once; each takes eight bytes."""

_HASH, _PIECE, _ROW = "_reporting_hash", "_reporting_piece", "_reporting_row"


def without_repeats(
    pieces: Sequence[StagedFile], area: StagingArea
) -> tuple[Sequence[StagedFile], int]:
    """Return pieces with each source key once, and the number of rows left out.

    The first row of a source key stays, in the order of the pieces.

    An API may return a record on two pages, with other values on the second. Memory
    does not grow with the rows, unless most of them are repeated.

    Args:
        pieces: Staged rows. A piece with a repeated row is removed.
        area: Staging area of the pieces.
    """
    buckets = -(-sum(piece.rows for piece in pieces) // BUCKET)
    again = [
        rows
        for bucket in range(buckets)
        if (rows := _repeats(pieces, buckets, bucket)).height
    ]
    if not again:
        return pieces, 0
    repeated = pl.concat(again)
    kept: list[StagedFile] = []
    for number, piece in enumerate(pieces):
        positions = repeated.filter(pl.col(_PIECE) == number)[_ROW]
        if positions.is_empty():
            kept.append(piece)
        elif len(positions) < piece.rows:
            kept.append(_rest(piece, positions, f"repeats\0{number}", area))
    return kept, repeated.height


def _repeats(pieces: Sequence[StagedFile], buckets: int, bucket: int) -> pl.DataFrame:
    """Return piece and position of rows whose source key an earlier row has."""
    hashes = pl.concat(list(_hashes(pieces, buckets, bucket))).sort()
    same = hashes.filter(hashes == hashes.shift(1)).unique()
    if same.is_empty():
        return pl.DataFrame(schema={_PIECE: pl.UInt32, _ROW: pl.UInt32})
    key = pl.col(SOURCE_KEY)
    found = pl.concat(
        pl.scan_ipc(piece.path)
        .select(
            SOURCE_KEY,
            pl.lit(number, pl.UInt32).alias(_PIECE),
            pl.row_index(_ROW).cast(pl.UInt32),
        )
        .filter(key.hash().is_in(same.implode()))
        .collect()
        for number, piece in enumerate(pieces)
    )
    return found.filter(~key.is_first_distinct()).select(_PIECE, _ROW)


def _hashes(
    pieces: Sequence[StagedFile], buckets: int, bucket: int
) -> Iterator[pl.Series]:
    """Yield the hashes of the source keys of each piece that are in the bucket.

    Pieces are read one by one: a piece in memory counts with all that was read of it.
    """
    for piece in pieces:
        keys = pl.scan_ipc(piece.path).select(pl.col(SOURCE_KEY).hash().alias(_HASH))
        if buckets > 1:
            keys = keys.filter(pl.col(_HASH) % buckets == bucket)
        yield keys.collect()[_HASH]


def _rest(
    piece: StagedFile, positions: pl.Series, name: str, area: StagingArea
) -> StagedFile:
    """Return a piece without the rows at these positions."""
    frame = pl.read_ipc(piece.path)
    row = pl.int_range(pl.len(), dtype=pl.UInt32)
    frame = frame.filter(~row.is_in(positions.implode()))
    piece.path.unlink()
    return area.add(piece.key, frame, name, fresh=piece.fresh)
