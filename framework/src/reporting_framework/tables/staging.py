"""Staged rows on the local disk, so that memory does not grow with a run."""

from __future__ import annotations

import threading
from itertools import count
from pathlib import Path

import polars as pl

from reporting_framework.storage import LockedPath, locked_folder, naming

MAX_UNCOMPRESSED = 256 * 1024 * 1024
"""Bytes of frames that are staged as they are; further ones are compressed.

Compression takes longer than the disk.
"""


class StagedFrames:
    """Folder of frames (Arrow IPC), created when it is first needed.

    A later process removes the folders of killed processes.
    """

    def __init__(self) -> None:
        self._folder: LockedPath | None = None
        self._making = threading.Lock()
        self._numbers = count()
        self._bytes = 0

    def _path(self) -> Path:
        with self._making:
            if self._folder is None:
                self._folder = locked_folder("table")
        return self._folder.path / f"{next(self._numbers)}.arrow"

    def sink(self, rows: pl.LazyFrame) -> Path:
        """Write the rows of a lazy frame, batch by batch, and return the file."""
        path = self._path()
        with naming(path):
            rows.sink_ipc(path, compression="lz4")
        return path

    def add(self, frame: pl.DataFrame) -> Path:
        """Stage a frame and return its file."""
        path = self._path()
        with self._making:
            self._bytes += int(frame.estimated_size())
            compressed = self._bytes > MAX_UNCOMPRESSED
        with (
            naming(path),
            path.open("wb") as file,  # polars itself would not say that it is full
        ):
            frame.write_ipc(file, compression="lz4" if compressed else "uncompressed")
        return path

    def clear(self) -> None:
        """Remove all frames."""
        with self._making:
            if self._folder is not None:
                self._folder.close()
                self._folder, self._bytes = None, 0
