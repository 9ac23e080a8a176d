"""Records that wait to be handed on: many pages become one frame."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from reporting_framework import Batch
from reporting_rest.columns import sampled
from reporting_rest.frames import Frames
from reporting_rest.resources import Resource

MAX_BYTES = 16 * 1024**2
"""Size of the records of a stream that are handed on, however many they are."""

MAX_SECONDS = 5.0
"""Time after which records are handed on, however few they are: a run may then end."""


class Buffers:
    """Records by stream.

    Args:
        most: Number of records of a stream to hand on at once.
        schemas: Columns by stream; those of other streams are found in their first
            records.
        seconds: Time after which records are handed on.
    """

    def __init__(
        self,
        most: int,
        schemas: Mapping[str, pl.Schema],
        *,
        seconds: float = MAX_SECONDS,
    ) -> None:
        self._most, self._schemas, self._seconds = most, schemas, seconds
        self._lines: dict[str, list[bytes]] = {}
        self._bytes: dict[str, int] = {}
        self._frames: dict[str, Frames] = {}
        self._full = False
        self._handed_on = time.monotonic()

    @property
    def full(self) -> bool:
        """True if it is time to hand all records on."""
        return self._full or time.monotonic() - self._handed_on >= self._seconds

    def add(self, resource: Resource, lines: Sequence[bytes]) -> Iterator[Batch]:
        """Add records; yield a batch if there are very many before a position."""
        name = resource.name
        if not lines:
            return
        if name not in self._frames:
            schema = self._schemas.get(name)
            if schema is None:
                schema = sampled([lines], resource.settings, pl.Schema()).schema
            self._frames[name] = Frames(resource.settings, schema)
        kept = self._lines.setdefault(name, [])
        kept += lines
        self._bytes[name] = self._bytes.get(name, 0) + sum(map(len, lines))
        if len(kept) >= self._most or self._bytes[name] >= MAX_BYTES or self.full:
            self._full = True
            yield self._batch(name)

    def take(self) -> Iterator[Batch]:
        """Yield all records, and forget them."""
        for name, lines in self._lines.items():
            if lines:
                yield self._batch(name)
        self._full = False
        self._handed_on = time.monotonic()

    @property
    def ignored(self) -> Mapping[str, Counter[str]]:
        """Counts of fields without a column, by stream and field."""
        return {name: frames.ignored for name, frames in self._frames.items()}

    def _batch(self, name: str) -> Batch:
        self._handed_on = time.monotonic()
        lines, self._lines[name], self._bytes[name] = self._lines[name], [], 0
        return self._frames[name].batch(lines)
