"""Staged rows on the local disk, sorted by source key."""

from __future__ import annotations

import threading
import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import polars as pl

from reporting_framework import SOURCE_KEY
from reporting_framework.storage import LockedPath, locked_folder, naming, row_versions

SAMPLE = 256
"""Interval, in rows, of the source keys that are kept to cut rows into ranges."""

JOINED_ROWS = 262_144
"""Number of rows of joined pieces."""

MAX_PIECES = 32
"""Maximum number of pieces that are read concurrently."""


class Piece(NamedTuple):
    """Staged rows, sorted by source key, each source key once.

    Attributes:
        path: Path of the rows (Arrow IPC).
        rows: Number of rows.
        bytes: Size of the rows in memory.
        samples: Source keys of the first row, every `SAMPLE`-th row and the last row.
        superseded: Number of rows, other than deletes, that were left out because the
            piece has a newer version, or the same source key.
    """

    path: Path
    rows: int
    bytes: int
    samples: tuple[str, ...]
    superseded: int = 0


class StagingArea:
    """Folder of staged pieces and of other data that does not fit into memory.

    A later process removes the folders of killed processes.
    """

    def __init__(self) -> None:
        self._folder: LockedPath | None = None
        self._making = threading.Lock()

    def path(self, ending: str) -> Path:
        """Return a path for a new file."""
        with self._making:
            if self._folder is None:
                self._folder = locked_folder("dataset")
            return self._folder.path / f"{uuid.uuid4().hex}.{ending}"

    def add(self, frame: pl.DataFrame, *, versions: bool, superseded: int = 0) -> Piece:
        """Stage rows, in the order in which they were read.

        Args:
            frame: At least one row.
            versions: Whether the newest version of a source key stays; otherwise its
                first row.
            superseded: Number of rows that were left out before.
        """
        rows, more = unique_rows(frame, versions=versions)
        if not rows[SOURCE_KEY].is_sorted():
            rows = rows.sort(SOURCE_KEY)
        path = self.path("arrow")
        write_ipc(rows, path)
        keys = rows[SOURCE_KEY]
        samples = (*keys.gather_every(SAMPLE).to_list(), keys[-1])
        size = int(rows.estimated_size())
        return Piece(path, rows.height, size, samples, superseded + more)

    def join(self, pieces: Sequence[Piece], *, versions: bool) -> Sequence[Piece]:
        """Join pieces if there are too many to read side by side.

        Pieces that are joined are removed.
        """
        if len(pieces) <= MAX_PIECES:
            return pieces
        joined = []
        for group in _groups(pieces):
            frame = pl.concat([pl.read_ipc(piece.path) for piece in group])
            lost = sum(piece.superseded for piece in group)
            joined.append(self.add(frame, versions=versions, superseded=lost))
            for piece in group:
                piece.path.unlink()
        return joined

    def clear(self) -> None:
        """Remove everything."""
        with self._making:
            if self._folder is not None:
                self._folder.close()
                self._folder = None


def unique_rows(frame: pl.DataFrame, *, versions: bool) -> tuple[pl.DataFrame, int]:
    """Return one row of each source key, and the number of other rows but deletes."""
    if versions:
        return row_versions.newest_rows(frame)
    rows = frame.unique(SOURCE_KEY, keep="first", maintain_order=True)
    return rows, frame.height - rows.height


def write_ipc(frame: pl.DataFrame, path: Path) -> None:
    """Write a frame to the local disk, to be read in parts."""
    batch = max(512, min(4096, frame.height // 8))
    with naming(path), path.open("wb") as file:
        frame.write_ipc(file, compression="uncompressed", record_batch_size=batch)


class FrameLog:
    """Frames by a label, on the local disk.

    Args:
        area: Staging area of the files.
    """

    def __init__(self, area: StagingArea) -> None:
        self._area = area
        self._paths: dict[str, list[Path]] = defaultdict(list)
        self.rows: dict[str, int] = defaultdict(int)
        self.bytes: dict[str, int] = defaultdict(int)

    def add(self, label: str, frame: pl.DataFrame) -> None:
        """Add rows of a label; they are after earlier rows."""
        if not frame.height:
            return
        path = self._area.path("arrow")
        write_ipc(frame, path)
        self._paths[label].append(path)
        self.rows[label] += frame.height
        self.bytes[label] += int(frame.estimated_size())

    @property
    def labels(self) -> list[str]:
        """Labels that have rows, in their order."""
        return sorted(self._paths)

    def frames(self, label: str) -> Iterator[pl.DataFrame]:
        """Yield the rows of a label in the order in which they were added."""
        for path in self._paths.get(label, ()):
            yield pl.read_ipc(path)


def _groups(pieces: Sequence[Piece]) -> Iterator[list[Piece]]:
    group: list[Piece] = []
    rows = 0
    for piece in pieces:
        if group and rows + piece.rows > JOINED_ROWS:
            yield group
            group, rows = [], 0
        group.append(piece)
        rows += piece.rows
    if group:
        yield group
