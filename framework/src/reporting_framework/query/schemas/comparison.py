"""Comparison of two schemas of a table: changes, and incompatibilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import polars as pl

_TEXTS = (pl.String, pl.Categorical, pl.Enum)

Change = tuple[pl.DataType, pl.DataType]
"""The actual type of a column, and the wanted one."""


class SchemaComparison(NamedTuple):
    """Differences between two schemas; the order of columns does not count.

    Attributes:
        added: Columns that only the wanted schema has: null in existing rows.
        removed: Columns that only the actual schema has.
        cast: Columns whose type can be read as the wanted one. Single values may still
            not fit: see `readable_as`.
        broken: Columns whose type cannot be read as the wanted one.
        missing: Columns that must not be null and do not exist.
    """

    added: Sequence[str]
    removed: Sequence[str]
    cast: Mapping[str, Change]
    broken: Mapping[str, Change]
    missing: Sequence[str]

    @property
    def compatible(self) -> bool:
        """True if rows of the actual schema can be read in the wanted one."""
        return not self.broken and not self.missing


def compare_schemas(
    actual: pl.Schema, wanted: pl.Schema, required: Sequence[str] = ()
) -> SchemaComparison:
    """Compare the schema of rows with the one in which they should be read.

    Args:
        actual: The schema of the rows, such as
            ``pl.Schema(pl.read_parquet_schema(file))``.
        wanted: The wanted schema.
        required: Columns of the wanted schema that must not be null.
    """
    changed = {
        name: (actual[name], dtype)
        for name, dtype in wanted.items()
        if name in actual and actual[name] != dtype
    }
    return SchemaComparison(
        added=[name for name in wanted if name not in actual],
        removed=[name for name in actual if name not in wanted],
        cast={name: types for name, types in changed.items() if readable_as(*types)},
        broken={
            name: types for name, types in changed.items() if not readable_as(*types)
        },
        missing=[name for name in required if name not in actual],
    )


def readable_as(actual: pl.DataType, wanted: pl.DataType) -> bool:
    """Return whether values of one type can be read as the other.

    Not every text can be read as a day, nor every number as a smaller type: a
    checkpoint checks each value before it changes a type.
    """
    if actual == wanted or isinstance(actual, pl.Null):
        return True
    if isinstance(
        wanted, pl.Datetime
    ):  # without a zone it may be local time: some writers leave the zone out
        return isinstance(actual, pl.Datetime) and (actual.time_zone is None) == (
            wanted.time_zone is None
        )
    if isinstance(wanted, pl.Date):
        return isinstance(actual, _TEXTS)
    if isinstance(wanted, _TEXTS):
        return isinstance(actual, _TEXTS)
    if wanted.is_numeric():
        return actual.is_numeric()
    return isinstance(wanted, pl.Duration) and isinstance(actual, pl.Duration)
