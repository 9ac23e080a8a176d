"""Two schemas of a table: what has changed, and what breaks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import polars as pl

_TEXTS = (pl.String, pl.Categorical, pl.Enum)

Change = tuple[pl.DataType, pl.DataType]
"""The type that a column has, and the one that is wanted."""


class SchemaComparison(NamedTuple):
    """Differences of two schemas; the order of columns is none.

    Attributes:
        added: Columns that only the wanted schema has: null in the rows there are.
        removed: Columns that only the schema found has.
        cast: Columns of another type that can be read as the wanted one. Not each value
            may fit: see `readable_as`.
        broken: Columns of a type that cannot be read as the wanted one.
        missing: Columns that must not be null and are not there.
    """

    added: Sequence[str]
    removed: Sequence[str]
    cast: Mapping[str, Change]
    broken: Mapping[str, Change]
    missing: Sequence[str]

    @property
    def compatible(self) -> bool:
        """Whether rows of the schema found can be read in the wanted one."""
        return not self.broken and not self.missing


def compare_schemas(
    actual: pl.Schema, wanted: pl.Schema, required: Sequence[str] = ()
) -> SchemaComparison:
    """Compare the schema that rows have with the one in which they are to be read.

    Args:
        actual: The schema of the rows, such as
            ``pl.Schema(pl.read_parquet_schema(file))``.
        wanted: The schema that is wanted.
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
    """Whether values of one type can be read as the other.

    Of texts as days, and of numbers as smaller ones, not each value can: a checkpoint
    looks at every value before it changes a type.
    """
    if actual == wanted or isinstance(actual, pl.Null):
        return True
    if isinstance(
        wanted, pl.Datetime
    ):  # a moment without a zone may be any: some writers leave local time
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
