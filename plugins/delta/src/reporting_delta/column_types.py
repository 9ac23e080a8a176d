"""Types of columns: those that Delta has, and the type that each other one becomes."""

from __future__ import annotations

from collections.abc import Mapping

import arro3.core
import polars as pl
from deltalake import Schema
from polars._typing import PolarsDataType

from reporting_framework.errors import SettingsError

MOMENT = pl.Datetime("us", "UTC")

_WIDER: Mapping[type[pl.DataType], pl.DataType] = {
    pl.UInt8: pl.Int16(),
    pl.UInt16: pl.Int32(),
    pl.UInt32: pl.Int64(),
    pl.Categorical: pl.String(),
    pl.Enum: pl.String(),
}
"""Types that Delta does not have, and those that hold all their values."""

_SAME = (
    *(pl.String, pl.Binary, pl.Boolean, pl.Date, pl.Decimal),
    *(pl.Int8, pl.Int16, pl.Int32, pl.Int64, pl.Float32, pl.Float64),
)

_GROWS: tuple[tuple[type[pl.DataType], ...], ...] = (
    (pl.Int8, pl.Int16, pl.Int32, pl.Int64),
    (pl.Float32, pl.Float64),
)
"""Types of which each later one holds all values of the earlier ones."""


def stored_schema(sink: str, schema: pl.Schema) -> pl.Schema:
    """Return the columns in the types in which the table has them.

    Raises:
        SettingsError: Delta has no type for a column.
    """
    columns = {}
    for name, dtype in schema.items():
        kind = stored_type(dtype)
        if kind is None:
            raise SettingsError(
                f"sink {sink}: column {name} is {dtype}, which a Delta table cannot"
                " hold; convert it, or leave it out, with a transform"
            )
        columns[name] = kind
    return pl.Schema(columns)


def stored_type(dtype: pl.DataType) -> pl.DataType | None:
    """Return the type of a column in the table, `None` if there is none."""
    if isinstance(dtype, _SAME):
        return dtype
    if (wider := _WIDER.get(type(dtype))) is not None:
        return wider
    if isinstance(dtype, pl.Datetime):
        if dtype.time_unit == "ns":
            return None
        return pl.Datetime("us", "UTC" if dtype.time_zone else None)
    if isinstance(dtype, pl.List | pl.Array):
        inner = stored_type(_instance(dtype.inner))
        return None if inner is None else pl.List(inner)
    if isinstance(dtype, pl.Struct):
        fields = {f.name: stored_type(_instance(f.dtype)) for f in dtype.fields}
        if all(kind is not None for kind in fields.values()):
            return pl.Struct(fields)  # type: ignore[arg-type]  # none is None
    return None


def _instance(dtype: PolarsDataType) -> pl.DataType:
    return dtype if isinstance(dtype, pl.DataType) else dtype()


def holds(stored: pl.DataType, new: pl.DataType) -> bool:
    """Return whether a column of the table can hold all values of a new type."""
    if stored == new:
        return True
    for family in _GROWS:
        if type(stored) in family and type(new) in family:
            return family.index(type(stored)) > family.index(type(new))
    return False


def delta_schema(schema: pl.Schema) -> Schema:
    """Return the columns as delta-rs describes them; all of them may be null."""
    return Schema.from_arrow(arro3.core.Table.from_arrow(schema.to_frame()).schema)


def polars_schema(schema: Schema) -> pl.Schema:
    """Return the columns of a table in polars' types."""
    empty = arro3.core.Table.from_batches([], schema=schema.to_arrow())
    found = pl.DataFrame(empty).schema
    return pl.Schema({name: stored_type(kind) or kind for name, kind in found.items()})
