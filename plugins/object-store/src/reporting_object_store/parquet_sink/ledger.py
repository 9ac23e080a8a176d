"""Ledger of a checkpoint: its column of source keys."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import polars as pl

from reporting_object_store.parquet_sink.checkpoint import Checkpoint


class CheckpointLedger:
    """Ledger from the files' column of source keys; see `Ledger`."""

    def __init__(self, files: Sequence[Checkpoint]) -> None:
        self._files = files
        self._unknown: set[str] = set()

    @property
    def rows(self) -> int:
        """See `Ledger.rows`."""
        return sum(file.rows for file in self._files)

    @property
    def newest(self) -> datetime | None:
        """See `Ledger.newest`."""
        return max((file.newest for file in self._files if file.newest), default=None)

    def newest_until(self, moment: datetime) -> datetime | None:
        """See `DatedLedger.newest_until`."""
        return max(
            (newest for file in self._files if (newest := file.newest_until(moment))),
            default=None,
        )

    def filter_new(self, objects: Sequence[str]) -> list[str]:
        """See `Ledger.filter_new`."""
        left = list(objects)
        for file in self._files:
            if left:
                known = file.existing_objects(pl.Series(left, dtype=pl.String))
                left = [key for key in left if key not in known]
        if self.rows:
            self._unknown.update(left)
        return left

    def vouches(self, source_keys: pl.Series) -> bool:
        """Return whether certainly none of these rows exists.

        This is so if `filter_new` was called with all their objects, and had none of
        them.

        Returns False for an object that was accepted in part, or by another sink, or of
        a source that plans without a ledger. It also returns False for the second call
        with an object, so that little is remembered.
        """
        if not self.rows:
            return True
        if not self._unknown:
            return False
        objects = set(source_keys.str.replace(r"#[0-9]+$", "").unique())
        unknown = objects <= self._unknown
        self._unknown -= objects
        return unknown
