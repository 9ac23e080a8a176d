"""Staged rows on the local disk.

They are there so that memory does not grow with the number of records in a run.
"""

from __future__ import annotations

import hashlib
import threading
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import polars as pl

from reporting_framework import DELETED_AT, SOURCE_KEY
from reporting_framework.storage import LockedPath, locked_folder, naming

SAMPLE = 64
"""Every how many rows a timestamp is kept, to cut staged rows into parts of about equal
size.
"""

MERGE_ROWS = 4_096, 65_536
"""Staged rows that are merged at once, at the least and at the most; see `merge_rows`.
"""

RECORD_BATCH = 4_096
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
        superseded: Rows, other than deletes, that were left out because the piece has
            a newer version of them.
        deletes: How many of the rows are deletes.
    """

    key: str
    path: Path
    rows: int
    samples: tuple[int, ...]
    fresh: bool = False
    superseded: int = 0
    deletes: int = 0


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
        self,
        key: str,
        frame: pl.DataFrame,
        name: str,
        *,
        fresh: bool = False,
        batch: int | None = None,
    ) -> StagedFile:
        """Stage rows; the same name again replaces them.

        Args:
            key: Key of the file they are for.
            frame: The rows.
            name: What they are known by.
            fresh: See `StagedFile`.
            batch: Rows that are read together, at the least; in a small piece fewer,
                unless given: there may be many of them.
        """
        if batch is None:
            batch = max(512, min(RECORD_BATCH, frame.height // 8))
        digest = hashlib.sha256(f"{name}\0{key}".encode()).hexdigest()[:32]
        path = self.folder() / f"{digest}.arrow"
        ordered = sorted_rows(frame, self._timestamp)
        with (
            naming(path),
            path.open("wb") as file,  # polars itself would not say that it is full
        ):
            ordered.write_ipc(file, compression="uncompressed", record_batch_size=batch)
        moments = ordered[self._timestamp].dt.timestamp("us")
        return StagedFile(
            key,
            path,
            frame.height,
            (*moments.gather_every(SAMPLE).to_list(), moments[-1]),
            fresh,
            deletes=frame[DELETED_AT].count() if DELETED_AT in frame.columns else 0,
        )

    def clear(self) -> None:
        """Remove everything."""
        if self._folder is not None:
            self._folder.close()
            self._folder = None


def sorted_rows(frame: pl.DataFrame, timestamp: str) -> pl.DataFrame:
    """Return rows in the order of a checkpoint."""
    if is_sorted(frame[timestamp], frame[SOURCE_KEY]):
        return frame
    return frame.sort(timestamp, SOURCE_KEY)


def is_sorted(moments: pl.Series, source_keys: pl.Series) -> bool:
    """Return whether rows are sorted by moment, and then by source key.

    Rows of one moment are sorted by the bytes of their source key.
    """
    if not moments.is_sorted():
        return False
    same = moments[1:] == moments[:-1]
    return not same.any() or not ((source_keys[1:] < source_keys[:-1]) & same).any()


def merge_rows(pieces: Sequence[StagedFile]) -> int:
    """Return how many staged rows to merge at once.

    Few of few rows, for it sets how much memory a commit takes; more of many, which
    takes less time.
    """
    least, most = MERGE_ROWS
    return max(least, min(most, sum(piece.rows for piece in pieces) // 16))


def in_order(
    pieces: Sequence[StagedFile],
    timestamp: str,
    rows: int,
    skipped: Mapping[Path, pl.Series] | None = None,
) -> Iterator[pl.DataFrame]:
    """All staged rows in order, in frames of about `rows`.

    More only where that many share one timestamp.

    Args:
        pieces: The staged rows.
        timestamp: The column by which they are sorted.
        rows: How many rows a frame has.
        skipped: Positions of rows to leave out, in order, by the piece's path.
    """
    moments = sorted(moment for piece in pieces for moment in piece.samples)
    step = max(1, len(moments) * rows // max(1, sum(piece.rows for piece in pieces)))
    left = deque(
        (piece.samples[0], _Reader(piece, timestamp, (skipped or {}).get(piece.path)))
        for piece in sorted(pieces, key=lambda piece: piece.samples[0])
    )
    readers: list[_Reader] = []
    for bound in sorted({*moments[step - 1 :: step], *moments[-1:]}):
        while left and left[0][0] <= bound:
            readers.append(left.popleft()[1])
        parts = [part for reader in readers if (part := reader.until(bound)).height]
        readers = [reader for reader in readers if reader.left]
        if parts:
            yield (
                parts[0]
                if len(parts) == 1
                else pl.concat(parts).sort(timestamp, SOURCE_KEY)
            )


class _Reader:
    """The rows of a piece from the first to the last, less those to leave out."""

    def __init__(
        self, piece: StagedFile, timestamp: str, skipped: pl.Series | None
    ) -> None:
        self._piece, self._timestamp, self._skipped = piece, timestamp, skipped
        self._file = pl.scan_ipc(piece.path)
        self._at = 0

    @property
    def left(self) -> bool:
        """Whether there are more rows."""
        return self._at < self._piece.rows

    def until(self, bound: int) -> pl.DataFrame:
        """The next rows up to `bound`.

        Only the batches that they are in are read.
        """
        begin, samples = self._at, self._piece.samples
        most = min(bisect_right(samples, bound) * SAMPLE, self._piece.rows)
        frame = self._file.slice(begin, max(0, most - begin)).collect()
        moments = frame[self._timestamp].dt.timestamp("us")
        frame = frame[: moments.search_sorted(bound, side="right")]
        self._at += frame.height
        return without(frame, begin, self._skipped)


def without(frame: pl.DataFrame, begin: int, skipped: pl.Series | None) -> pl.DataFrame:
    """Return rows less those at these positions.

    Args:
        frame: The rows.
        begin: Position of the first of them.
        skipped: Positions, in order.
    """
    mask = positions_in(frame.height, begin, skipped)
    return frame if mask is None else frame.filter(~mask)


def positions_in(
    rows: int, begin: int, positions: pl.Series | None
) -> pl.Series | None:
    """Which of so many rows from `begin` on are at these positions; `None`: none is."""
    if positions is None or not len(positions) or not rows:
        return None
    first = positions.search_sorted(begin, side="left")
    last = positions.search_sorted(begin + rows, side="left")
    if first == last:
        return None
    mask = pl.repeat(False, rows, dtype=pl.Boolean, eager=True)
    return mask.scatter(positions[first:last] - begin, True)


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
