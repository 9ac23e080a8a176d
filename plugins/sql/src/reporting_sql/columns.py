"""Columns of a table: how a value is selected, and which type it has in frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import polars as pl

from reporting_framework import FAULTY

MOMENTS = (-62_135_596_800_000_000, 253_402_300_799_999_999)
"""First and last time from year 1 to year 9999, in microseconds since the epoch."""

DAYS = (-719_162, 2_932_896)
"""First and last day of these years, in days since the epoch."""

LAST_TIME = 24 * 60 * 60 * 10**9 - 1
"""Last time of a day, in nanoseconds."""


SAME = "{0}"
"""Value of a column in SQL as it is."""


class Column(NamedTuple):
    """Column of a table.

    Attributes:
        name: Name in the table and in frames.
        declared: Type as the database names it, for messages.
        dtype: Type in frames.
        value: Value in SQL; ``{0}`` is the quoted name.
        fault: Condition in SQL that a value, not null, is not of the column's type;
            empty if the database does not allow that, or `fitted` finds it.
        unordered: Condition in SQL that a value cannot be a key or a cursor, beside
            `fault`; empty if all can.
        compared: Value in SQL by which rows are ordered and compared if it is a key or
            a cursor. Two keys must not be equal by it.
    """

    name: str
    declared: str
    dtype: pl.DataType
    value: str = SAME
    fault: str = ""
    unordered: str = ""
    compared: str = SAME


def fitted(frame: pl.DataFrame, columns: Sequence[Column]) -> pl.DataFrame:
    """Return rows of a database in the types of their columns.

    A value that is not of its column's type becomes null, and the column `FAULTY` names
    its column.

    Args:
        frame: The columns in this order. An integer column `FAULTY` may follow, with
            the position of a column whose value has a fault.
        columns: The columns.
    """
    result: list[pl.Series] = []
    faults: dict[str, pl.Series] = {}
    for column in columns:
        given = frame[column.name]
        series = _converted(given, column.dtype)
        if series.null_count() > given.null_count():
            faults[column.name] = series.is_null() & given.is_not_null()
        result.append(series)
    marks = frame[FAULTY] if FAULTY in frame.columns else None
    if faults or (marks is not None and marks.null_count() < frame.height):
        result.append(_names_of_faults(marks, faults, columns, frame.height))
    return pl.DataFrame(result)


def _names_of_faults(
    marks: pl.Series | None,
    faults: dict[str, pl.Series],
    columns: Sequence[Column],
    height: int,
) -> pl.Series:
    found = pl.Series(FAULTY, [None], pl.String).new_from_index(0, height)
    if marks is not None:
        names = pl.Series([column.name for column in columns], dtype=pl.String)
        found = names.gather(marks.cast(pl.UInt32)).alias(FAULTY)
    for name, mask in faults.items():
        found = pl.Series([name]).new_from_index(0, height).zip_with(mask, found)
    return found.alias(FAULTY)


def _converted(given: pl.Series, dtype: pl.DataType) -> pl.Series:
    """Return values in a type; a value that does not fit becomes null."""
    series = _storage(given)
    if isinstance(dtype, pl.List) and isinstance(series.dtype, pl.List):
        return _list(series, dtype)
    if series.dtype != dtype:
        series = _cast(series, dtype)
    if isinstance(dtype, pl.Datetime):
        return _within(series, *MOMENTS)
    if isinstance(dtype, pl.Date):
        return _within(series, *DAYS)
    if isinstance(dtype, pl.Time):
        return _within(series, 0, LAST_TIME)
    return series


def _list(series: pl.Series, dtype: pl.List) -> pl.Series:
    """Return lists of a type; a list with a value that does not fit becomes null."""
    inner: Any = dtype.inner
    values = pl.element().map_batches(
        lambda series: _converted(series, inner), return_dtype=inner
    )
    converted = series.list.eval(values)
    kept, there = (each.list.drop_nulls().list.len() for each in (converted, series))
    if (kept == there).all():
        return converted
    return converted.zip_with(kept == there, pl.Series([None], dtype=dtype))


def _storage(series: pl.Series) -> pl.Series:
    """Return the values of an extension type, such as JSON, in their own type."""
    is_extension = isinstance(series.dtype, pl.BaseExtension)
    return series.ext.storage() if is_extension else series


def _cast(series: pl.Series, dtype: pl.DataType) -> pl.Series:
    if series.null_count() == len(series):
        return pl.Series(series.name, [None], dtype).new_from_index(0, len(series))
    if isinstance(series.dtype, pl.String):
        if isinstance(dtype, pl.Datetime):
            moments = series.str.to_datetime(
                "%Y-%m-%d %H:%M:%S%.f", time_unit="us", strict=False
            )
            return moments.dt.replace_time_zone(dtype.time_zone)
        if isinstance(dtype, pl.Date):
            return series.str.to_date("%Y-%m-%d", strict=False)
        if isinstance(dtype, pl.Time):
            return series.str.to_time("%H:%M:%S%.f", strict=False)
        if isinstance(dtype, pl.Boolean):
            series = series.cast(pl.Int64, strict=False)
    try:
        return series.cast(dtype, strict=False)
    except pl.exceptions.ComputeError:  # bytes that are not UTF-8, which are few
        texts = [None if value is None else _decoded(value) for value in series]
        return pl.Series(series.name, texts, pl.String)


def _decoded(text: bytes) -> str | None:
    try:
        return text.decode()
    except UnicodeDecodeError:
        return None


def _within(series: pl.Series, least: int, most: int) -> pl.Series:
    """Return values from `least` to `most`; others, such as infinity, become null."""
    numbers = series.to_physical()
    inside = numbers.is_between(least, most)
    if inside.all():  # nulls are neither true nor false
        return series
    return series.zip_with(inside, pl.Series([None], dtype=series.dtype))
