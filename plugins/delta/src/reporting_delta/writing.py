"""Writing of data files, and the statistics that the log has of them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal, cast

import polars as pl
from typing_extensions import override

from reporting_datasets.parquet_sink.writing import ROW_GROUP, FileWriter, Written
from reporting_delta.data_files import written_schema
from reporting_delta.snapshot import Values
from reporting_framework import DELETED_AT, SOURCE_KEY
from reporting_framework.storage import parquet_writing

MAX_COLUMNS = 32
"""Number of columns that have statistics, as other writers keep them."""

MAX_TEXT = 64
"""Longest text in statistics; the source keys are always there."""

_ORDERED = (pl.String, pl.Date, pl.Datetime)


class DeltaWritten(Written):
    """File that was written, with what the log has of it.

    Attributes:
        values: Values of its partition.
        stats: Its statistics as JSON.
    """

    values: Values
    stats: str


@dataclass(slots=True)
class Statistics:
    """Statistics of the rows of a file.

    Attributes:
        schema: Columns in the file.
        rows: Number of rows.
        least: Least value by column.
        most: Greatest value by column.
        nulls: Number of nulls by column.
    """

    schema: pl.Schema
    rows: int = 0
    least: dict[str, Any] = field(default_factory=dict)
    most: dict[str, Any] = field(default_factory=dict)
    nulls: dict[str, int] = field(default_factory=dict)

    def add(self, frame: pl.DataFrame) -> None:
        """Add rows."""
        self.rows += frame.height
        found = frame.select(
            *(pl.col(name).null_count().alias(f"n{name}") for name in self._counted),
            *(self._least(name).alias(f"a{name}") for name in self._ordered),
            *(self._most(name).alias(f"z{name}") for name in self._ordered),
        ).row(0, named=True)
        for name in self._counted:
            self.nulls[name] = self.nulls.get(name, 0) + found[f"n{name}"]
        for name in self._ordered:
            least, most = found[f"a{name}"], found[f"z{name}"]
            if least is not None:
                self.least[name] = _edge(min, self.least.get(name, least), least)
                self.most[name] = _edge(max, self.most.get(name, most), most)

    def _least(self, name: str) -> pl.Expr:
        column = pl.col(name)
        return column.nan_min() if self.schema[name].is_float() else column.min()

    def _most(self, name: str) -> pl.Expr:
        column = pl.col(name)
        return column.nan_max() if self.schema[name].is_float() else column.max()

    @property
    def _counted(self) -> list[str]:
        """Columns whose nulls are counted: for others, counts are nested."""
        names = [name for name, kind in self.schema.items() if not kind.is_nested()]
        last = [name for name in (SOURCE_KEY, DELETED_AT) if name in names]
        return list(dict.fromkeys([*names[:MAX_COLUMNS], *last]))

    @property
    def _ordered(self) -> list[str]:
        return [
            name
            for name in self._counted
            if isinstance(kind := self.schema[name], _ORDERED)
            or kind.is_integer()
            or kind.is_float()
        ]

    def encode(self) -> str:
        """Return the statistics in the form of Delta."""
        return json.dumps(
            {
                "numRecords": self.rows,
                "minValues": self._encoded(self.least),
                "maxValues": self._encoded(self.most),
                "nullCount": self.nulls,
            },
            ensure_ascii=False,
        )

    def _encoded(self, values: dict[str, Any]) -> dict[str, Any]:
        return {
            name: _json(value)
            for name, value in values.items()
            if name == SOURCE_KEY or self._is_short(name)
        }

    def _is_short(self, name: str) -> bool:
        """Return whether both bounds can be kept; they are kept together."""
        for value in (self.least[name], self.most[name]):
            if isinstance(value, str) and len(value) > MAX_TEXT:
                return False
            if isinstance(value, float) and not math.isfinite(value):
                return False
        return True


def _edge(choose: Callable[[Any, Any], Any], one: Any, other: Any) -> Any:
    """Return the lesser or greater value; "not a number" if one of them is that."""
    return one if one != one else other if other != other else choose(one, other)


def _json(value: Any) -> Any:
    if isinstance(value, datetime):
        text = value.replace(tzinfo=None).isoformat(timespec="microseconds")
        return f"{text}Z" if value.tzinfo else text
    return value.isoformat() if isinstance(value, date) else value


class DeltaWriter(FileWriter):
    """Writer of data files; the columns of the partition are not in the file."""

    partition_by: Sequence[str]

    @classmethod
    def of(
        cls,
        timestamp: str | None,
        compression: Literal["zstd", "snappy"],
        partition_by: Sequence[str],
    ) -> DeltaWriter:
        """Return a writer for a table with this partition."""
        writer = cls(timestamp, compression)
        writer.partition_by = partition_by
        return writer

    @override
    def write(
        self, frames: Iterator[pl.DataFrame], schema: pl.Schema, path: Path
    ) -> DeltaWritten | None:
        """Write rows of one partition to a file; return `None` if there are none."""
        kept = written_schema(schema, self.partition_by)
        stats = Statistics(kept)
        values: dict[str, str | None] = {}

        def counted() -> Iterator[pl.DataFrame]:
            for frame in frames:
                if not stats.rows and frame.height:
                    values.update(self._values(frame))
                frame = frame.select(kept.names())
                stats.add(frame)
                yield frame

        parquet_writing.write(
            parquet_writing.regroup(counted(), ROW_GROUP),
            kept,
            path,
            self.compression,
            rows=ROW_GROUP,
        )
        if not stats.rows:
            return None
        gone = stats.nulls.get(DELETED_AT)
        newest = cast("datetime | None", stats.most.get(self.timestamp or ""))
        written = DeltaWritten(
            path,
            stats.rows,
            0 if gone is None else stats.rows - gone,
            stats.least[SOURCE_KEY],
            stats.most[SOURCE_KEY],
            None if newest is None else _microseconds(newest),
        )
        written.values, written.stats = values, stats.encode()
        return written

    def _values(self, frame: pl.DataFrame) -> dict[str, str | None]:
        """Return the values of the partition, which all rows have, as texts."""
        if not self.partition_by:
            return {}
        columns = [pl.col(name).cast(pl.String) for name in self.partition_by]
        row = frame.head(1).select(columns).row(0, named=True)
        return {name: value or None for name, value in row.items()}


def _microseconds(moment: datetime) -> int:
    number: int = pl.Series([moment], dtype=pl.Datetime("us", "UTC")).dt.timestamp(
        "us"
    )[0]
    return number
