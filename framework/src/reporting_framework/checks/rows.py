"""Rows that checks judge, read in parts so that memory does not grow with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from reporting_framework.checks.base import Aggregate
    from reporting_framework.tables.staging import StagedFrames

MAX_ROWS = 1_000_000
"""Number of rows above which keys are compared part by part: a part holds the keys of
one range of hashes.
"""


class Rows:
    """Rows of one scope.

    Args:
        parts: Lazy frames that together are the rows.
        area: Folder for keys that do not fit in memory.

    Attributes:
        height: Number of rows, once `measure` was called.
    """

    def __init__(self, parts: Sequence[pl.LazyFrame], area: StagedFrames) -> None:
        self.parts, self.area = parts, area
        self.height = 0

    def measure(self, aggregates: Sequence[Aggregate]) -> list[Any]:
        """Count the rows, and return the values of aggregates, in one pass."""
        names = [str(number) for number in range(len(aggregates))]
        expressions = [
            aggregate.expression.alias(name)
            for name, aggregate in zip(names, aggregates, strict=True)
        ]
        frames = [
            part.select(pl.len().alias("rows"), *expressions).collect(
                engine="streaming"
            )
            for part in self.parts
        ]
        self.height = sum(frame["rows"].item() for frame in frames)
        values = []
        for name, aggregate in zip(names, aggregates, strict=True):
            known = [
                value for frame in frames if (value := frame[name].item()) is not None
            ]
            combined = sum if aggregate.combined == "sum" else max
            values.append(combined(known) if known else None)
        return values


def part_count(rows: int) -> int:
    """Return the number of parts in which to compare the keys of so many rows."""
    return max(1, ceil(rows / MAX_ROWS))


def of_part(
    keys: Sequence[str] | Sequence[pl.Expr], number: int, count: int
) -> pl.Expr:
    """Return whether a row belongs to a part: rows of one key share a part."""
    return pl.struct(keys).hash(seed=17) % count == number


def key_parts(rows: Rows, columns: Sequence[str]) -> Iterator[pl.LazyFrame]:
    """Yield the keys of rows without nulls, all rows of a key in one part.

    -0.0 and 0.0 are one key, and so are all NaN.
    """
    schema = rows.parts[0].collect_schema()
    own = [
        (pl.col(name) + 0.0 if schema[name].is_float() else pl.col(name)).alias(name)
        for name in columns
    ]
    count = part_count(rows.height)
    keys = [part.select(own).drop_nulls() for part in rows.parts]
    if count == 1:
        yield pl.concat(keys)
        return
    stored = _stored(rows.area, keys)
    for number in range(count):
        yield stored.filter(of_part(columns, number, count))


def key_parts_of_both(
    rows: Rows, own: Sequence[pl.Expr], other: pl.LazyFrame
) -> Iterator[tuple[pl.LazyFrame, pl.LazyFrame]]:
    """Yield keys of rows without nulls, and those of another table, part by part.

    Args:
        rows: The rows.
        own: Key columns of the rows.
        other: Key columns of the other table, of the same names and types.
    """
    other = other.drop_nulls()
    height = other.select(pl.len()).collect(engine="streaming").item()
    count = part_count(height)
    keys = [part.select(own).drop_nulls() for part in rows.parts]
    if count == 1:
        yield pl.concat(keys), other
        return
    stored, known = _stored(rows.area, keys), _stored(rows.area, [other])
    names = other.collect_schema().names()
    for number in range(count):
        condition = of_part(names, number, count)
        yield stored.filter(condition), known.filter(condition)


def _stored(area: StagedFrames, frames: Sequence[pl.LazyFrame]) -> pl.LazyFrame:
    """Write frames to the local disk, and return them as one."""
    return pl.scan_ipc([area.sink(frame) for frame in frames])
