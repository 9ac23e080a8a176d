"""From the fields of a pydantic model or TypedDict to the columns of a frame."""

from __future__ import annotations

import enum
import json
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types
import polars as pl
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

INT32 = range(-(2**31), 2**31)
MOMENT = pl.Datetime("us", "UTC")


class UnsupportedField(TypeError):
    """A field whose type has no column."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column made of a field.

    Attributes:
        dtype: Its polars type.
        convert: What is done to each value that is not null, or None.
    """

    dtype: pl.DataType
    convert: Callable[[Any], Any] | None = None


def column_of(annotation: Any, metadata: tuple[Any, ...] = ()) -> Column:
    """The column for a field of this type; anything nested becomes a String of canonical JSON.

    Args:
        annotation: The field's type, with or without `Annotated` and ``| None``.
        metadata: Its constraints; an integer bounded to 32 bits becomes an Int32.

    Raises:
        UnsupportedField: There is no column for it.
    """
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *more = get_args(annotation)
        return column_of(inner, (*metadata, *_flat(more)))
    if origin in (Union, types.UnionType):
        members = [member for member in get_args(annotation) if member is not types.NoneType]
        if len(members) == 1:
            return column_of(members[0], metadata)
    if origin is Literal and all(isinstance(value, str) for value in get_args(annotation)):
        return Column(pl.String())
    kind = origin or annotation
    if isinstance(kind, type):
        if issubclass(kind, enum.Enum):
            return Column(pl.String(), lambda member: member.value)
        for base, column in _PLAIN.items():
            if issubclass(kind, base):
                return Column(pl.Int32()) if base is int and _within_int32(metadata) else column
        if issubclass(kind, BaseModel | Mapping | list | tuple | dict):
            return Column(pl.String(), canonical_json)
    if annotation is Any:
        return Column(pl.String(), canonical_json)
    raise UnsupportedField(f"no column for {annotation!r}")


def canonical_json(value: Any) -> str:
    """A value as JSON with sorted keys and no spaces; the same value always gives the same text.

    Raises:
        ValueError: It holds NaN or an infinity, which JSON does not have.
    """
    plain = to_jsonable_python(value, inf_nan_mode="constants")
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def utc(moment: datetime) -> datetime:
    """The moment without its zone, in UTC; without a zone it is UTC already.

    Raises:
        OverflowError: It is outside the calendar in UTC.
    """
    return (moment.astimezone(UTC) if moment.utcoffset() else moment).replace(tzinfo=None)


def series(name: str, values: list[Any], dtype: pl.DataType) -> pl.Series:
    """The values as a column; moments are given without a zone, as `utc` makes them."""
    if dtype == MOMENT:
        return pl.Series(name, values, dtype=pl.Datetime("us"), strict=True).dt.replace_time_zone("UTC")
    return pl.Series(name, values, dtype=dtype, strict=True)


def _flat(metadata: list[Any]) -> list[Any]:
    """Constraints, with those inside a `Field` taken out of it."""
    return [one for item in metadata for one in (item.metadata if isinstance(item, FieldInfo) else [item])]


def _within_int32(metadata: tuple[Any, ...]) -> bool:
    low: list[Any] = [item.ge for item in metadata if isinstance(item, annotated_types.Ge)]
    low += [item.gt for item in metadata if isinstance(item, annotated_types.Gt)]
    high: list[Any] = [item.le for item in metadata if isinstance(item, annotated_types.Le)]
    high += [item.lt for item in metadata if isinstance(item, annotated_types.Lt)]
    return any(bound in INT32 for bound in low) and any(bound in INT32 for bound in high)


_PLAIN: dict[type, Column] = {
    str: Column(pl.String()),
    bool: Column(pl.Boolean()),
    int: Column(pl.Int64()),
    float: Column(pl.Float64()),
    datetime: Column(MOMENT, utc),
    date: Column(pl.Date()),
}
"""In this order: a bool is an int, and a datetime is a date."""
