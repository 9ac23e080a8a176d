"""Columns of a frame for the fields of a pydantic model or TypedDict."""

from __future__ import annotations

import enum
import json
import types
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

import annotated_types
import polars as pl
from pydantic import (
    AwareDatetime,
    BaseModel,
    FutureDate,
    FutureDatetime,
    NaiveDatetime,
    PastDate,
    PastDatetime,
)
from pydantic.fields import FieldInfo
from pydantic_core import to_json, to_jsonable_python

INT32 = -(2**31), 2**31 - 1
MOMENT = pl.Datetime("us", "UTC")

_NAIVE_EPOCH = datetime(1970, 1, 1)
_AWARE_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_FIRST, _LAST = (
    moment.replace(tzinfo=UTC) - _AWARE_EPOCH for moment in (datetime.min, datetime.max)
)
_CALENDAR = range(_FIRST // _MICROSECOND, _LAST // _MICROSECOND + 1)


class UnsupportedField(TypeError):
    """Error of a field that cannot have a column."""


class Column(NamedTuple):
    """Column of a field.

    Attributes:
        dtype: Polars type of the column.
        convert: Function that converts each value that is not null, or `None`.
    """

    dtype: pl.DataType
    convert: Callable[[Any], Any] | None = None

    def series(self, name: str, values: Sequence[Any]) -> pl.Series:
        """Convert values to a column.

        Raises:
            Exception: A value does not fit; use `fits` to find it.
        """
        if self.dtype == MOMENT:
            return _moments(name, values)
        if self.convert is not None:
            values = [
                None if value is None else self.convert(value) for value in values
            ]
        column = pl.Series(name, values, dtype=self.dtype, strict=True)
        if (
            column.dtype != self.dtype
        ):  # polars makes a Datetime of a datetime that a Date was asked for
            raise TypeError(f"column {name} became a {column.dtype}")
        return column

    def fits(self, value: Any) -> bool:
        """Return whether the column can hold the value."""
        try:
            self.series("", [value])
        except MemoryError:
            raise
        except (
            Exception
        ):  # of a type that polars, json or a converter of the model's has chosen
            return False
        return True


def column_of(annotation: Any, metadata: tuple[Any, ...] = ()) -> Column:
    """Return the column for a field of this type; nested types become JSON texts.

    Args:
        annotation: The field's type, with or without `Annotated` and ``| None``.
        metadata: Constraints of the field; an integer bounded to 32 bits becomes an
            Int32.

    Raises:
        UnsupportedField: There is no column for this type.
    """
    if hasattr(annotation, "__value__"):  # type Name = ...
        return column_of(annotation.__value__, metadata)
    origin = get_origin(annotation)
    members = [
        member
        for member in get_args(annotation)
        if member not in (None, types.NoneType)
    ]
    if origin is Annotated:
        return column_of(
            annotation.__origin__, (*metadata, *_flatten(annotation.__metadata__))
        )
    if origin in (Union, types.UnionType) and len(members) == 1:
        return column_of(members[0], metadata)
    if origin is Literal and all(
        isinstance(value, str) and not isinstance(value, enum.Enum) for value in members
    ):
        return Column(pl.String())
    if annotation is Any:
        return Column(pl.String(), json_text)
    kind = origin or annotation
    column = _column_of_class(kind, metadata) if isinstance(kind, type) else None
    if column is None:
        raise UnsupportedField(f"no column for {annotation!r}; use a plain type")
    return column


def json_text(value: Any) -> str:
    """Return a value as JSON without spaces, with its keys in their original order.

    Nested fields have their names, not their aliases, as columns do.

    Raises:
        ValueError: The value holds NaN or an infinity, which JSON does not have.
    """
    text = to_json(value, by_alias=False).decode()
    if "NaN" in text or "Infinity" in text:  # within a string, perhaps
        json.dumps(
            to_jsonable_python(value, by_alias=False, inf_nan_mode="constants"),
            allow_nan=False,
        )
    return text


def _column_of_class(kind: type, metadata: tuple[Any, ...]) -> Column | None:
    if issubclass(kind, enum.Enum):
        strings = all(isinstance(member.value, str) for member in kind)
        return Column(pl.String(), lambda member: member.value) if strings else None
    for base, column in _PLAIN.items():
        if issubclass(kind, base):
            return (
                Column(pl.Int32())
                if base is int and _within_int32(metadata)
                else column
            )
    if issubclass(kind, BaseModel | Mapping | list | tuple):
        return Column(pl.String(), json_text)
    return None


def _moments(name: str, values: Sequence[datetime | None]) -> pl.Series:
    """Convert moments to UTC; a moment without a zone is taken as UTC.

    A subtraction takes a third of the time of `astimezone`.

    Raises:
        OverflowError: A moment is outside the calendar in UTC.
    """
    spans = [
        (
            None
            if moment is None
            else moment - (_NAIVE_EPOCH if moment.tzinfo is None else _AWARE_EPOCH)
        )
        for moment in values
    ]
    counted = pl.Series(name, spans, dtype=pl.Duration("us"), strict=True).cast(
        pl.Int64
    )
    if any(
        bound is not None and bound not in _CALENDAR
        for bound in (counted.min(), counted.max())
    ):
        raise OverflowError("a moment is outside the calendar")
    return counted.cast(MOMENT)


def _flatten(metadata: Sequence[Any]) -> list[Any]:
    """Return constraints, with the constraints of a `Field` as separate items."""
    return [
        one
        for item in metadata
        for one in (item.metadata if isinstance(item, FieldInfo) else [item])
    ]


def _within_int32(metadata: tuple[Any, ...]) -> bool:
    low: list[Any] = [
        item.ge for item in metadata if isinstance(item, annotated_types.Ge)
    ]
    low += [item.gt for item in metadata if isinstance(item, annotated_types.Gt)]
    high: list[Any] = [
        item.le for item in metadata if isinstance(item, annotated_types.Le)
    ]
    high += [item.lt for item in metadata if isinstance(item, annotated_types.Lt)]
    first, last = INT32  # no range: it would look for a number like 0.5 in each item
    return any(first <= bound <= last for bound in low) and any(
        first <= bound <= last for bound in high
    )


_PLAIN: dict[Any, Column] = {
    str: Column(pl.String()),
    bool: Column(pl.Boolean()),
    int: Column(pl.Int64()),
    float: Column(pl.Float64()),
    (datetime, AwareDatetime, NaiveDatetime, PastDatetime, FutureDatetime): Column(
        MOMENT
    ),
    (date, PastDate, FutureDate): Column(pl.Date()),
}
"""Columns by type. The order matters: a bool is an int, and a datetime is a date."""
