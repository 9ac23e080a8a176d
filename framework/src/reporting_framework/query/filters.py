"""Filters of a query: column values and days."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from reporting_framework._text.messages import did_you_mean, one_line
from reporting_framework.errors import SettingsError

if TYPE_CHECKING:
    pass


_WHOLE = re.compile(r"[+-]?[0-9]{1,20}", re.ASCII)


_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


class RowFilter(NamedTuple):
    """Filter of the rows that a query sees.

    Attributes:
        where: Columns and required values, as text; an empty text is null. Several
            values of one column mean "or", several columns mean "and".
        first: The first day, in UTC.
        last: The last day, in UTC, inclusive.
        on: The column (Date or Datetime) that the days refer to; rows where it is null
            are left out.
    """

    where: Sequence[tuple[str, str]] = ()
    first: date | None = None
    last: date | None = None
    on: str = "timestamp"

    def of(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """Return the rows that pass the filter.

        Raises:
            SettingsError: A column does not exist, or its type does not fit its value
                or the days.
        """
        schema = rows.collect_schema()
        wanted: dict[str, list[Any]] = {}
        for column, text in self.where:
            wanted.setdefault(column, []).append(_value(column, text, schema))
        conditions = [
            _equals(column, schema[column], values) for column, values in wanted.items()
        ]
        if self.first is not None or self.last is not None:
            conditions += self._days(schema)
        return rows.filter(*conditions) if conditions else rows

    def _days(self, schema: pl.Schema) -> list[pl.Expr]:
        """Return the conditions that the column is within the days."""
        if self.first and self.last and self.first > self.last:
            raise SettingsError(
                f"first day {self.first}: it is after the last day, {self.last}; swap"
                " them"
            )
        dtype, column = _type(self.on, schema), pl.col(self.on)
        if isinstance(dtype, pl.Date):
            return [column.is_between(self.first or date.min, self.last or date.max)]
        if not isinstance(dtype, pl.Datetime):
            days = ", ".join(
                name
                for name, dtype in schema.items()
                if isinstance(dtype, pl.Date | pl.Datetime)
            )
            raise SettingsError(
                f"column {self.on}: it is {dtype} and has no days; choose one of:"
                f" {days or 'none'}"
            )
        if dtype.time_zone not in (None, "UTC"):
            column = column.dt.convert_time_zone("UTC")
        conditions = (
            [column >= _midnight(self.first, dtype)]
            if self.first
            else [column.is_not_null()]
        )
        if self.last and self.last < date.max:
            conditions.append(column < _midnight(self.last + timedelta(days=1), dtype))
        return conditions


_EVERYTHING = RowFilter()


def selection_of(
    where: Mapping[str, Any] | None,
    first: date | str | None,
    last: date | str | None,
    on: str,
) -> RowFilter:
    """Return a filter made from Python values.

    Args:
        where: Value or list of values by column: a text, a whole number, a date, a
            truth value, or None for null.
        first: The first day, as a date or as YYYY-MM-DD.
        last: The last day, inclusive.
        on: The column that the days refer to.

    Raises:
        SettingsError: A value has another type, a list is empty, or a text is not a
            day.
    """
    given = {
        column: (
            [value]
            if isinstance(value, str) or not isinstance(value, Iterable)
            else list(value)
        )
        for column, value in (where or {}).items()
    }
    if empty := [column for column, values in given.items() if not values]:
        raise SettingsError(
            f"where: no value for column {one_line(empty[0], 80)}; give one, or leave"
            " the column out"
        )
    texts = [
        (column, _text(column, value))
        for column, values in given.items()
        for value in values
    ]
    return RowFilter(texts, _given_day("first", first), _given_day("last", last), on)


def _text(column: str, value: Any) -> str:
    """Return a value as it would be written on the command line."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime) or not isinstance(value, str | int | date):
        raise SettingsError(
            f"where: column {one_line(column, 80)}: a {type(value).__name__} is not"
            " supported; give a text, a whole number, a date, a truth value or None, or"
            " a list of them"
        )
    return str(value)


def _given_day(name: str, given: date | str | None) -> date | None:
    day = _day(given) if isinstance(given, str) else given
    if given is not None and (isinstance(day, datetime) or not isinstance(day, date)):
        raise SettingsError(f"{name}: give a date, or a day as YYYY-MM-DD")
    return day


def _midnight(day: date, dtype: pl.Datetime) -> pl.Expr:
    """Return the start of a day in UTC; a column without a time zone counts as UTC."""
    moment = pl.lit(datetime.combine(day, time()), dtype=pl.Datetime(dtype.time_unit))
    return moment.dt.replace_time_zone("UTC") if dtype.time_zone else moment


def _type(column: str, schema: pl.Schema) -> pl.DataType:
    if column not in schema:
        raise SettingsError(
            f"there is no column {one_line(column, 80)}"
            f"{did_you_mean(column, schema.names())};"
            f" there are {', '.join(schema.names())}"
        )
    return schema[column]


def _value(column: str, text: str, schema: pl.Schema) -> Any:
    """Return the value of a text for a column; None for an empty text.

    Raises:
        SettingsError: The column does not exist, or the text does not fit it.
    """
    dtype = _type(column, schema)
    if not text:
        return None
    if isinstance(dtype, pl.String):
        return text
    value: int | date | None
    if dtype.is_integer():
        value, form = _whole_number(text, dtype), "whole numbers"
    elif isinstance(dtype, pl.Date):
        value, form = _day(text), "days as YYYY-MM-DD"
    elif isinstance(dtype, pl.Boolean):
        value, form = {"true": True, "false": False}.get(text), "true or false"
    else:
        raise SettingsError(
            f"column {column}: it is {dtype} and cannot be compared with a value;"
            f" there are {_describe(schema)}"
        )
    if value is None:
        raise SettingsError(
            f"{one_line(text, 80)!r} does not fit column {column}, which is {dtype} and"
            f" takes {form}; there are {_describe(schema)}"
        )
    return value


def _whole_number(text: str, dtype: pl.DataType) -> int | None:
    if not _WHOLE.fullmatch(text):
        return None
    limits = dtype.min(), dtype.max()  # type: ignore[attr-defined]  # of an integer type
    least, most = pl.select(least=limits[0], most=limits[1]).row(0)
    return int(text) if least <= int(text) <= most else None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        return None


def _describe(schema: pl.Schema) -> str:
    return ", ".join(f"{name} ({dtype.base_type()})" for name, dtype in schema.items())


def _equals(column: str, dtype: pl.DataType, values: Sequence[Any]) -> pl.Expr:
    """Return the condition that the column has one of these values; None is null."""
    given = [value for value in values if value is not None]
    matches = (
        pl.col(column).is_in(pl.Series(given, dtype=dtype).implode())
        if given
        else pl.lit(False)
    )
    if len(given) == 1:
        matches = pl.col(column) == pl.lit(given[0], dtype=dtype)
    if len(given) == len(values):
        return matches
    return matches | pl.col(column).is_null() if given else pl.col(column).is_null()
