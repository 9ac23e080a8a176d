"""Staged rows on the local disk, so that memory does not grow with a run."""

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
"""Interval, in rows, of the timestamps that are kept to cut staged rows into parts of
about equal size.
"""

MERGE_ROWS = 4_096, 65_536
"""Minimum and maximum number of staged rows that are merged at once; see `merge_rows`.
"""

RECORD_BATCH = 4_096
"""Minimum number of rows that are read together: a slice keeps all of its batches in
memory.
"""


class StagedFile(NamedTuple):
    """Staged rows of one batch for one file, sorted.

    Attributes:
        key: Key of the file that the rows are for.
        path: Path of the staged rows (Arrow IPC).
        rows: Number of rows.
        samples: Timestamps (µs since the epoch) of the first row, every `SAMPLE`-th row
            and the last row.
        fresh: Whether the ledger has looked up all objects of these rows, and had none
            of them.
        superseded: Number of rows, other than deletes, that were left out because the
            piece has a newer version.
        deletes: Number of rows that are deletes.
    """

    key: str
    path: Path
    rows: int
    samples: tuple[int, ...]
    fresh: bool = False
    superseded: int = 0
    deletes: int = 0


class StagingArea:
    """Folder of staged pieces.

    A later process removes the folders of killed processes.
    """

    def __init__(self, timestamp: str) -> None:
        self._timestamp = timestamp
        self._folder: LockedPath | None = None
        self._making = threading.Lock()

    def folder(self) -> Path:
        """Return the folder; it is created when it is first needed."""
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
            key: Key of the file that the rows are for.
            frame: The rows.
            name: Name of the piece.
            fresh: See `StagedFile`.
            batch: Minimum number of rows that are read together. By default it is
                smaller for a small piece, as there may be many.
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
    """Return the number of staged rows to merge at once.

    It is small for few rows, as it determines the memory of a commit, and larger for
    many rows, as this takes less time.
    """
    least, most = MERGE_ROWS
    return max(least, min(most, sum(piece.rows for piece in pieces) // 16))


def in_order(
    pieces: Sequence[StagedFile],
    timestamp: str,
    rows: int,
    skipped: Mapping[Path, pl.Series] | None = None,
) -> Iterator[pl.DataFrame]:
    """Yield all staged rows in order, in frames of about `rows` rows.

    A frame has more rows only if they share one timestamp.

    Args:
        pieces: The staged rows.
        timestamp: Column by which they are sorted.
        rows: Number of rows of a frame.
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
    """Rows of a piece from the first to the last, without rows to leave out."""

    def __init__(
        self, piece: StagedFile, timestamp: str, skipped: pl.Series | None
    ) -> None:
        self._piece, self._timestamp, self._skipped = piece, timestamp, skipped
        self._file = pl.scan_ipc(piece.path)
        self._at = 0

    @property
    def left(self) -> bool:
        """Return whether there are more rows."""
        return self._at < self._piece.rows

    def until(self, bound: int) -> pl.DataFrame:
        """Return the next rows up to `bound`; only their batches are read."""
        begin, samples = self._at, self._piece.samples
        most = min(bisect_right(samples, bound) * SAMPLE, self._piece.rows)
        frame = self._file.slice(begin, max(0, most - begin)).collect()
        moments = frame[self._timestamp].dt.timestamp("us")
        frame = frame[: moments.search_sorted(bound, side="right")]
        self._at += frame.height
        return without(frame, begin, self._skipped)


def without(frame: pl.DataFrame, begin: int, skipped: pl.Series | None) -> pl.DataFrame:
    """Return rows without the rows at these positions.

    Args:
        frame: The rows.
        begin: Position of the first row.
        skipped: Positions, in order.
    """
    mask = positions_in(frame.height, begin, skipped)
    return frame if mask is None else frame.filter(~mask)


def positions_in(
    rows: int, begin: int, positions: pl.Series | None
) -> pl.Series | None:
    """Return a mask of `rows` rows from `begin` on: true at these positions.

    Returns `None` if no row is at one of them.
    """
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
    """Sort the rows of frames on disk; the block gets them in order."""
    spool = StagingArea(timestamp)
    try:
        pieces = [
            spool.add("", frame, str(number)) for number, frame in enumerate(frames)
        ]
        yield in_order(pieces, timestamp, rows)
    finally:
        spool.clear()
