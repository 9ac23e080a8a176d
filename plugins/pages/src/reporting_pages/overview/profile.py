"""Profile of a table: its aggregates, computed in two scans."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

import polars as pl

from reporting_framework import DELETED_AT, VERSION
from reporting_framework.errors import SettingsError
from reporting_pages.overview.periods import (
    Scale,
    counted,
    days_of,
    period_of,
    scale_of,
)

MAX_VALUES, MIN_ROWS = 12, 5
"""A column's texts are shown if it has at most so many distinct texts, and each is in
at least so many rows.
"""

_MAX_ESTIMATE = 24
"""Highest estimate of distinct texts, null included, for which they are counted."""

EXACT_CELLS = 1_000_000
"""Rows times columns up to which distinct values are counted exactly. Of a larger table
they are estimated, since an exact count holds all of them in memory.
"""

_PERIOD = "period"
_COUNTED = (pl.String, pl.Categorical, pl.Enum, pl.Boolean)


class Column(NamedTuple):
    """Aggregates of a column.

    Attributes:
        name: Name of the column.
        type: Type of the column.
        nulls: Number of rows without a value.
        distinct: Number of distinct values, see `Profile.exact`; `None` for nested
            types.
        least: Least value; `None` if there is none, or if it is not shown.
        greatest: Greatest value, as `least`.
        texts: Texts with their number of rows, the most frequent first; empty if they
            are not shown.
    """

    name: str
    type: str
    nulls: int
    distinct: int | None
    least: str | None = None
    greatest: str | None = None
    texts: Sequence[tuple[str, int]] = ()


class Course(NamedTuple):
    """Rows over time.

    Attributes:
        column: Column of the date or time.
        scale: Periods; `None` if no row has a day.
        counts: Number of rows by the first day of their period.
        undated: Number of rows without a day.
    """

    column: str
    scale: Scale | None
    counts: Mapping[date, int]
    undated: int


class Profile(NamedTuple):
    """Aggregates of a table.

    Attributes:
        rows: Number of rows, without deleted rows.
        deleted: Number of rows that are marked as deleted; `None` if the table marks
            none.
        columns: Columns in order, without those of the framework.
        course: Rows over time; `None` without a column of dates or times.
        exact: Whether the numbers of distinct values are exact, not estimates.
    """

    rows: int
    deleted: int | None
    columns: Sequence[Column]
    course: Course | None
    exact: bool


def profile_of(
    rows: pl.LazyFrame, *, values: bool = True, time_column: str | None = None
) -> Profile:
    """Return the profile of a table.

    One column is scanned first, for the number of rows, and of deleted rows.

    Args:
        rows: The table.
        values: Whether to find least and greatest values, and texts that repeat.
        time_column: Column of dates or times; by default, the first.

    Raises:
        SettingsError: There is no such column, or it is no date or time.
    """
    schema = rows.collect_schema()
    named = {
        name: dtype
        for name, dtype in schema.items()
        if name not in (DELETED_AT, VERSION)
    }
    timed = _time_column(named, time_column)
    # Numbers instead of names: polars takes a name such as ^.*$ for a pattern.
    numbers = {name: str(number) for number, name in enumerate(schema)}
    live = rows.select(pl.nth(int(at)).alias(at) for at in numbers.values())
    if DELETED_AT in schema:
        live = live.filter(pl.col(numbers[DELETED_AT]).is_null())
    total, deleted = _sizes(rows.select(pl.nth(_marker(schema)).alias("mark")), schema)
    exact = total * len(named) <= EXACT_CELLS
    plan: list[pl.Expr] = [pl.len().alias("rows")]
    for name, dtype in named.items():
        plan += _aggregates(numbers[name], dtype, values=values, exact=exact)
    days = None
    if timed:
        days = days_of(pl.col(numbers[timed]), named[timed])
        plan += [days.min().alias("first"), days.max().alias("last")]
    found = _collected(live.select(plan)).row(0, named=True)
    scale = None
    if timed and found["first"] is not None:
        scale = scale_of(found["first"], found["last"])
    period = period_of(days, scale.unit) if days is not None and scale else None
    counts = _counts(live, _texts(found, numbers, named) if values else [], period)
    columns = [
        _column(name, dtype, numbers[name], found, counts)
        for name, dtype in named.items()
    ]
    course = _course(timed, scale, counts, found["rows"]) if timed else None
    return Profile(found["rows"], deleted, columns, course, exact)


def _marker(schema: pl.Schema) -> int:
    """Return the position of the column that marks deleted rows, else the first."""
    return schema.names().index(DELETED_AT) if DELETED_AT in schema else 0


def _sizes(marks: pl.LazyFrame, schema: pl.Schema) -> tuple[int, int | None]:
    """Return the number of rows, and of deleted rows if the table marks them."""
    total, marked = _collected(marks.select(pl.len(), pl.col("mark").count())).row(0)
    return total, marked if DELETED_AT in schema else None


def _time_column(named: Mapping[str, pl.DataType], wanted: str | None) -> str | None:
    known = [
        name
        for name, dtype in named.items()
        if isinstance(dtype, pl.Date | pl.Datetime)
    ]
    if wanted is None:
        return known[0] if known else None
    if wanted not in known:
        raise SettingsError(
            f"time_column {wanted}: it is no column of dates or times; "
            + (f"there are {', '.join(known)}" if known else "there is none")
        )
    return wanted


def _aggregates(
    number: str, dtype: pl.DataType, *, values: bool, exact: bool
) -> list[pl.Expr]:
    column = pl.col(number)
    plan = [column.null_count().alias(f"{number} nulls")]
    if not dtype.is_nested() and dtype not in (pl.Object, pl.Null):
        distinct = column.n_unique() if exact else column.approx_n_unique()
        plan.append(distinct.alias(f"{number} distinct"))
    if values and (dtype.is_numeric() or dtype.is_temporal()):
        for name, value in (("least", column.min()), ("greatest", column.max())):
            plan.append(_as_text(value, dtype).alias(f"{number} {name}"))
    return plan


def _as_text(value: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Return values as text: Python has no date after the year 9999."""
    if isinstance(dtype, pl.Duration):
        return value.dt.to_string("polars")
    return value.cast(pl.String)


def _texts(
    found: Mapping[str, Any],
    numbers: Mapping[str, str],
    named: Mapping[str, pl.DataType],
) -> list[str]:
    """Return the columns with few distinct texts."""
    return [
        numbers[name]
        for name, dtype in named.items()
        if dtype in _COUNTED and 0 < found[f"{numbers[name]} distinct"] <= _MAX_ESTIMATE
    ]


def _counts(
    live: pl.LazyFrame, texts: Sequence[str], period: pl.Expr | None
) -> dict[str, dict[str, int]]:
    """Count the rows of each text and of each period, in one scan."""
    columns = [pl.col(number).cast(pl.String) for number in texts]
    if period is not None:
        columns.append(period.alias(_PERIOD))
    if not columns:
        return {}
    long = live.select(columns).unpivot().drop_nulls("value")
    frame = _collected(long.group_by("variable", "value").len())
    counts: dict[str, dict[str, int]] = {}
    for variable, value, rows in frame.iter_rows():
        counts.setdefault(variable, {})[value] = rows
    return counts


def _column(
    name: str,
    dtype: pl.DataType,
    number: str,
    found: Mapping[str, Any],
    counts: Mapping[str, Mapping[str, int]],
) -> Column:
    nulls = found[f"{number} nulls"]
    distinct = found.get(f"{number} distinct", 0 if dtype == pl.Null else None)
    texts = counts.get(number, {})
    if distinct is not None:  # null counts as a value there
        distinct = min(max(distinct - (nulls > 0), 0), found["rows"] - nulls)
    shown = 0 < len(texts) <= MAX_VALUES and min(texts.values()) >= MIN_ROWS
    return Column(
        name,
        _type_name(dtype),
        nulls,
        distinct,
        found.get(f"{number} least"),
        found.get(f"{number} greatest"),
        sorted(texts.items(), key=lambda pair: (-pair[1], pair[0])) if shown else (),
    )


def _type_name(dtype: pl.DataType) -> str:
    """Return a type as `reporting schema` shows it: ``Datetime(us, UTC)``."""
    if not isinstance(dtype, pl.Datetime):
        return str(dtype)
    return f"Datetime({', '.join(filter(None, (dtype.time_unit, dtype.time_zone)))})"


def _course(
    column: str, scale: Scale | None, counts: Mapping[str, Any], rows: int
) -> Course:
    by_period = counted(counts.get(_PERIOD, {}))
    return Course(column, scale, by_period, rows - sum(by_period.values()))


def _collected(rows: pl.LazyFrame) -> pl.DataFrame:
    return rows.collect(engine="streaming")
