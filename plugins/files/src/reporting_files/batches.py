"""Batches of bounded size, made of the rows of several files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import polars as pl

from reporting_files.conform import Part
from reporting_framework import (
    DELETED_AT,
    SOURCE_KEY,
    VERSION,
    Batch,
    ReadFailure,
    Rejection,
)

BATCH_BYTES = 32 * 1024 * 1024


class BatchBuilder:
    """Collected rows and rejections of a split.

    Attributes:
        positions: State of each file that was read, see `file_state`.
        unread: Files that could not be read.
    """

    def __init__(self) -> None:
        self.positions: dict[str, list[Any]] = {}
        self.unread: list[ReadFailure] = []
        self._parts: list[Part] = []
        self._rejected: list[Rejection] = []
        self._ignored: list[str] = []
        self._deletes: list[pl.DataFrame] = []
        self._size = 0

    def add(self, part: Part) -> None:
        """Add rows."""
        self._parts.append(part)
        self._size += int(part.frame.estimated_size()) + 16 * part.frame.height

    def reject(self, rejection: Rejection) -> None:
        """Add a file that can never be read as it is."""
        self._rejected.append(rejection)

    def ignore(self, name: str) -> None:
        """Add an object that is no file."""
        self._ignored.append(name)

    def delete(
        self, key: str, rows: Sequence[int], version: str, deleted_at: datetime
    ) -> None:
        """Add records that a new version of a file no longer has.

        Args:
            key: Path of the file.
            rows: Their numbers.
            version: Version of the file.
            deleted_at: Time at which the file was changed (aware, UTC).
        """
        numbers = pl.Series(rows, dtype=pl.Int64).cast(pl.String)
        at = pl.lit(deleted_at, pl.Datetime("us", "UTC"))
        self._deletes.append(
            pl.select(
                (f"{key}#" + numbers).alias(SOURCE_KEY),
                pl.lit(version).alias(VERSION),
                at.alias(DELETED_AT),
            )
        )

    def full(self) -> Iterator[Batch]:
        """Yield a batch if there is enough for one."""
        if self._size >= BATCH_BYTES:
            yield self._build(None)

    def rest(self) -> Iterator[Batch]:
        """Yield the last batches: what is left, then the unread files.

        The position comes before an unread file, so it covers all that was read.
        """
        yield self._build({"files": self.positions})
        if self.unread:
            yield Batch(unread=self.unread)

    def _build(self, position: Mapping[str, Any] | None) -> Batch:
        parts = self._parts
        rejected = [
            *self._rejected,
            *(rejection for part in parts for rejection in part.rejected),
        ]
        deletes = pl.concat(self._deletes) if self._deletes else None
        batch = Batch(
            rejected=rejected,
            ignored=self._ignored,
            deletes=deletes,
            position=position,
        )
        if parts := [part for part in parts if part.frame.height]:
            frames = [part.frame for part in parts]
            same = all(frame.schema == frames[0].schema for frame in frames)
            batch = batch._replace(
                frame=pl.concat(frames, how="vertical" if same else "diagonal"),
                source_keys=pl.concat([part.source_keys for part in parts]),
                versions=pl.concat([part.versions for part in parts]),
            )
        self._parts, self._rejected, self._ignored = [], [], []
        self._deletes, self._size = [], 0
        return batch
