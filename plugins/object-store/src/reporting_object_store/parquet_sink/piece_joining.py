"""Joining of staged pieces, if too many would be read concurrently."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence

import polars as pl

from reporting_framework.storage import row_versions
from reporting_object_store.parquet_sink.staging import (
    RECORD_BATCH,
    StagedFile,
    StagingArea,
)

MAX_PIECES = 32
"""Maximum number of pieces that are read concurrently."""

ROWS = 262_144
"""Number of rows of joined pieces, and of rows that all pieces then have in memory."""


def join_pieces(
    pieces: Sequence[StagedFile], area: StagingArea, *, newest: bool = False
) -> Sequence[StagedFile]:
    """Join pieces, so that few of them are read concurrently.

    All pieces of a source without an order overlap: each row group would have rows of
    all pieces.

    Args:
        pieces: Pieces for one file, in the order in which they were staged. Pieces that
            are joined are removed.
        area: Staging area of the pieces.
        newest: Whether a piece has only the newest version of each source key.
    """
    if _side_by_side(pieces) <= MAX_PIECES:
        return pieces
    joined = []
    batch = max(512, min(RECORD_BATCH, ROWS * ROWS // sum(p.rows for p in pieces)))
    for number, group in enumerate(_groups(pieces)):
        frame = pl.concat([pl.read_ipc(piece.path) for piece in group])
        superseded = sum(piece.superseded for piece in group)
        if newest:
            frame, older = row_versions.newest_rows(frame)
            superseded += older
        piece = area.add(
            group[0].key,
            frame,
            f"joined\0{number}",
            fresh=all(piece.fresh for piece in group),
            batch=batch,
        )
        joined.append(piece._replace(superseded=superseded))
        for piece in group:
            piece.path.unlink()
    return joined


def _side_by_side(pieces: Sequence[StagedFile]) -> int:
    """Return the maximum number of pieces with rows of the same moment."""
    ends: list[int] = []
    most = 0
    for piece in sorted(pieces, key=lambda piece: piece.samples[0]):
        while ends and ends[0] < piece.samples[0]:
            heapq.heappop(ends)
        heapq.heappush(ends, piece.samples[-1])
        most = max(most, len(ends))
    return most


def _groups(pieces: Sequence[StagedFile]) -> Iterator[list[StagedFile]]:
    group: list[StagedFile] = []
    rows = 0
    for piece in pieces:
        if group and rows + piece.rows > ROWS:
            yield group
            group, rows = [], 0
        group.append(piece)
        rows += piece.rows
    if group:
        yield group
