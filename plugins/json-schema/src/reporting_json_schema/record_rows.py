"""Rows of valid records: all columns at once, or one by one if a value does not fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from reporting_framework import SOURCE_KEY, Batch, Rejection
from reporting_framework.builtin.columns import Column
from reporting_framework.builtin.record_frame import frame_of
from reporting_json_schema.columns import TextColumn


class RecordRows:
    """Frame of valid records.

    Args:
        columns: Columns by name, in order.
        mixed: Names of columns whose values may have other types than the column.
        added: Name of a column that is no field, which rejections do not name.
    """

    def __init__(
        self, columns: Mapping[str, Column], mixed: frozenset[str], added: str | None
    ) -> None:
        self._columns = columns
        self._added = () if added is None else (added,)
        self._read = pl.Schema(
            {
                name: pl.String() if isinstance(column, TextColumn) else column.dtype
                for name, column in columns.items()
                if column.convert is None and name not in mixed
            }
        )

    def of(
        self, batch: Batch, positions: Sequence[int], records: Sequence[dict[str, Any]]
    ) -> tuple[pl.DataFrame, list[Rejection]]:
        """Return the rows, and rejections of records that a column cannot hold.

        Args:
            batch: The batch.
            positions: Positions of valid records in the batch, in order.
            records: These records.
        """
        keys = pl.Series(SOURCE_KEY, batch.source_keys, dtype=pl.String)
        if len(positions) < len(keys):
            keys = keys[positions] if positions else keys[:0]
        try:
            return pl.DataFrame([*self._at_once(records), keys]), []
        except MemoryError:
            raise
        except Exception:  # of a value that does not fit, whichever it is
            rows = [
                (at, batch.source_keys[at], batch.versions[at], record)
                for at, record in zip(positions, records, strict=True)
            ]
        frame, _, misfits = frame_of(rows, self._columns, {}, unnamed=self._added)
        return frame, misfits

    def _at_once(self, records: Sequence[dict[str, Any]]) -> list[pl.Series]:
        """Return the columns; polars takes the plain ones from the records.

        The document makes sure of the types of the values, and polars of the ranges.

        Raises:
            Exception: A value does not fit.
        """
        read = pl.DataFrame()
        if self._read:
            read = pl.from_dicts(records, schema=self._read, strict=True)
        series: list[pl.Series] = []
        for name, column in self._columns.items():
            if name not in self._read:
                values = [record.get(name) for record in records]
                series.append(column.series(name, values))
            elif isinstance(column, TextColumn):
                series.append(column.converted(read[name]))
            else:
                series.append(read[name])
        return series
