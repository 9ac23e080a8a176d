"""Rows divided by a hash of their source key, on the local disk.

Rows with the same source key are in one part, which fits into memory.
"""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from reporting_framework import SOURCE_KEY
from reporting_framework.storage import naming

_BUCKET = "_reporting_bucket"


class Spill:
    """Frames of rows in buckets, each a file.

    Args:
        folder: Folder of the files.
        name: Prefix of their names.
        buckets: Number of buckets.
    """

    def __init__(self, folder: Path, name: str, buckets: int) -> None:
        self._folder, self._name, self._buckets = folder, name, buckets
        self._frames: dict[int, list[tuple[int, int]]] = defaultdict(list)

    def add(self, frame: pl.DataFrame) -> None:
        """Put each row into the bucket of its source key."""
        bucket = (pl.col(SOURCE_KEY).hash() % self._buckets).alias(_BUCKET)
        parts = frame.with_columns(bucket).partition_by(
            _BUCKET, as_dict=True, include_key=False
        )
        for (number,), part in parts.items():
            buffer = io.BytesIO()
            part.write_ipc_stream(buffer, compat_level=pl.CompatLevel.oldest())
            path = self._path(number)
            with naming(path), path.open("ab") as file:
                self._frames[number].append((file.tell(), len(buffer.getbuffer())))
                file.write(buffer.getbuffer())

    def frames(self, bucket: int) -> Iterator[pl.DataFrame]:
        """Yield the rows of a bucket in the order in which they were added."""
        if bucket not in self._frames:
            return
        with self._path(bucket).open("rb") as file:
            for at, length in self._frames[bucket]:
                file.seek(at)
                yield pl.read_ipc_stream(io.BytesIO(file.read(length)))

    def clear(self) -> None:
        """Remove the files."""
        for number in self._frames:
            self._path(number).unlink(missing_ok=True)
        self._frames.clear()

    def _path(self, bucket: int) -> Path:
        return self._folder / f"{self._name}-{bucket}.spill"
