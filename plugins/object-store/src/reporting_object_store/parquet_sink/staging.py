"""Staged rows on the local disk.

They are there so that memory does not grow with the number of records in a run.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import polars as pl

from reporting_framework import SOURCE_KEY
from reporting_framework.storage import LockedPath, locked_folder, naming

SAMPLE = 64
"""Every how many rows a timestamp is kept, to cut staged rows into parts of about equal
size.
"""

RECORD_BATCH = 512
"""Rows that are read together, at the least: a slice keeps all of the batches that it
is of in memory.
"""


class StagedFile(NamedTuple):
    """Staged rows of one batch for one file, sorted.

    Attributes:
        key: Key of the file they are for.
        path: Where they are staged (Arrow IPC).
        rows: How many.
        samples: Timestamps (µs since the epoch) of the first row, every `SAMPLE`-th one
            and the last.
        fresh: Whether the ledger was asked for all objects of these rows, and knew none
            of them.
    """

    key: str
    path: Path
    rows: int
    samples: tuple[int, ...]
    fresh: bool = False


class StagingArea:
    """A folder of staged pieces.

    What a killed process left behind is removed by a later one.
    """

    def __init__(self, timestamp: str) -> None:
        self._timestamp = timestamp
        self._folder: LockedPath | None = None
        self._making = threading.Lock()

    def folder(self) -> Path:
        """The folder, made when it is first needed."""
        with self._making:
            if self._folder is None:
                self._folder = locked_folder("spool")
            return self._folder.path

    def add(
        self, key: str, frame: pl.DataFrame, name: str, *, fresh: bool = False
    ) -> StagedFile:
        """Stage rows; the same name again replaces them."""
        digest = hashlib.sha256(f"{name}\0{key}".encode()).hexdigest()[:32]
        path = self.folder() / f"{digest}.arrow"
        ordered = frame.sort(self._timestamp, SOURCE_KEY)
        with (
            naming(path),
            path.open("wb") as file,  # polars itself would not say that it is full
        ):
            ordered.write_ipc(
                file, compression="uncompressed", record_batch_size=RECORD_BATCH
            )
        moments = ordered[self._timestamp].dt.timestamp("us")
        return StagedFile(
            key,
            path,
            frame.height,
            (*moments.gather_every(SAMPLE).to_list(), moments[-1]),
            fresh,
        )

    def clear(self) -> None:
        """Remove everything."""
        if self._folder is not None:
            self._folder.close()
            self._folder = None


def in_order(
    pieces: Sequence[StagedFile], timestamp: str, rows: int
) -> Iterator[pl.DataFrame]:
    """All staged rows in order, in frames of about `rows`.

    More only where that many share one timestamp.
    """
    moments = sorted(moment for piece in pieces for moment in piece.samples)
    step = max(1, len(moments) * rows // max(1, sum(piece.rows for piece in pieces)))
    below: int | None = None
    for bound in sorted({*moments[step - 1 :: step], *moments[-1:]}):
        parts = [
            _between(piece, timestamp, below, bound)
            for piece in pieces
            if piece.samples[0] <= bound
            and (below is None or piece.samples[-1] > below)
        ]
        frame = pl.concat(parts).sort(timestamp, SOURCE_KEY)
        if frame.height:
            yield frame
        below = bound


@contextmanager
def sort_frames(
    frames: Iterator[pl.DataFrame], timestamp: str, rows: int
) -> Iterator[Iterator[pl.DataFrame]]:
    """The rows of frames in any order, in order, by way of the disk."""
    spool = StagingArea(timestamp)
    try:
        pieces = [
            spool.add("", frame, str(number)) for number, frame in enumerate(frames)
        ]
        yield in_order(pieces, timestamp, rows)
    finally:
        spool.clear()


def _between(
    piece: StagedFile, timestamp: str, below: int | None, bound: int
) -> pl.DataFrame:
    """The rows of a piece behind `below` and up to `bound`.

    Only the batches that they are in are read.
    """
    file = pl.scan_ipc(piece.path)
    moments = file.select(timestamp).collect()[timestamp].dt.timestamp("us")
    begin = moments.search_sorted(below, side="right") if below is not None else 0
    return file.slice(
        begin, moments.search_sorted(bound, side="right") - begin
    ).collect()
