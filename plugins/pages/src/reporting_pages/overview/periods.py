"""Periods that rows are counted by: days, months or years."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import NamedTuple

import polars as pl

from reporting_pages.formatting import day, month_name

MAX_DAYS, MAX_MONTHS, MAX_YEARS = 28, 24, 30
"""Most periods of a chart. A longer span is counted in longer periods; of too many, the
chart has the last. No two of 28 days have the same number.
"""

SPAN_MONTHS = 60
"""Longest span in months that is counted by month."""

_EPOCH = date(1970, 1, 1)
FIRST, LAST = (date.min - _EPOCH).days, (date.max - _EPOCH).days
"""First and last day that is counted, in days since 1970."""


class Scale(NamedTuple):
    """Kind and range of the periods of a chart.

    Attributes:
        unit: ``day``, ``month`` or ``year``.
        first: First day of the first period.
        last: First day of the last period.
    """

    unit: str
    first: date
    last: date

    @property
    def starts(self) -> list[date]:
        """First days of all periods of the chart."""
        starts, at = [self.last], self.last
        most = {"day": MAX_DAYS, "month": MAX_MONTHS, "year": MAX_YEARS}[self.unit]
        while at > self.first and len(starts) < most:
            at = start_of(self.unit, at - timedelta(days=1))
            starts.append(at)
        return starts[::-1]

    def label(self, start: date, *, first: bool) -> str:
        """Return the label of a period on an axis; no two are equal."""
        if self.unit == "year":
            return f"{start.year}"
        if self.unit == "month":
            return month_name(start, short=True).replace(" ", "|")
        named = first or start.day == 1
        return f"{start.day}|{month_name(start, short=True)[:3]}" * named or (
            f"{start.day}"
        )

    def name(self, start: date) -> str:
        """Return the name of a period in texts."""
        if self.unit == "year":
            return f"{start.year}"
        return month_name(start) if self.unit == "month" else day(start)


def scale_of(low: int, high: int) -> Scale:
    """Return the periods of rows between two days, in days since 1970."""
    first = _EPOCH + timedelta(days=min(max(low, FIRST), LAST))
    last = _EPOCH + timedelta(days=min(max(high, FIRST), LAST))
    months = (last.year - first.year) * 12 + last.month - first.month + 1
    short = (last - first).days < MAX_DAYS
    unit = "day" if short else "month" if months <= SPAN_MONTHS else "year"
    return Scale(unit, start_of(unit, first), start_of(unit, last))


def start_of(unit: str, at: date) -> date:
    """Return the first day of the period of a day."""
    if unit == "year":
        return date(at.year, 1, 1)
    return date(at.year, at.month, 1) if unit == "month" else at


def days_of(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Return the days of dates or times (UTC), as days since 1970."""
    if isinstance(dtype, pl.Datetime) and dtype.time_zone:
        column = column.dt.convert_time_zone("UTC")
    return column.dt.date().to_physical() if dtype != pl.Date else column.to_physical()


def period_of(days: pl.Expr, unit: str) -> pl.Expr:
    """Return the first day of each row's period as text; null if it has no day."""
    at = pl.when(days.is_between(FIRST, LAST)).then(days).cast(pl.Date)
    every = {"day": "1d", "month": "1mo", "year": "1y"}[unit]
    return at.dt.truncate(every).dt.to_string("%Y-%m-%d")


def counted(counts: Mapping[str, int]) -> dict[date, int]:
    """Return the counts by the first day of their period."""
    return {date.fromisoformat(text): number for text, number in counts.items()}
