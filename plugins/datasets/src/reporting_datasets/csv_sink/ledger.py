"""Ledger of a CSV file: its column of source keys."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import polars as pl

from reporting_datasets.csv_sink.csv_file import CsvVersion


class CsvLedger(NamedTuple):
    """Ledger from the file's column of source keys; see `Ledger`.

    Attributes:
        file: The file, as it was opened.
        rows: Number of its rows.
        newest: `None`: the file has no known timestamp.
    """

    file: CsvVersion
    rows: int
    newest: datetime | None = None

    def filter_new(self, objects: Sequence[str]) -> list[str]:
        """See `Ledger.filter_new`."""
        known = self.file.existing_objects(pl.Series(objects, dtype=pl.String))
        gone = set(known)
        return [name for name in objects if name not in gone]
