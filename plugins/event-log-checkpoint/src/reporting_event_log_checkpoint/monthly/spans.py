"""Spans of equal width that group days for a chart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

WIDTHS = (1, 2, 5, 7, 14, 30, 60, 90, 180, 365)
"""Familiar widths in days: days, weeks, months, a year."""

MIN_SPANS, MAX_SPANS = 10, 30
"""Smallest and largest number of spans in a chart, without outliers."""

OUTSIDE = 0.01
"""Share of the numbers at either end that a chart may leave out."""


class TimeRange(NamedTuple):
    """Whole days from `low` up to but excluding `high`, and the number of visits."""

    low: int
    high: int
    number: int


class Spans(NamedTuple):
    """Spans in the chart, and the numbers of visits below and above them."""

    drawn: Sequence[TimeRange]
    below: int
    above: int


def spans_of(days: Mapping[int, int]) -> Spans:
    """Group days into spans.

    Args:
        days: Number of visits for each number of days; at least one.
    """
    total = sum(days.values())
    ordered = sorted(days.items())
    low, high = (
        _quantile(ordered, total * OUTSIDE),
        _quantile(ordered, total * (1 - OUTSIDE)),
    )
    width = next(
        (width for width in WIDTHS if (high - low + 1) / width <= MAX_SPANS), None
    )
    if width is None:
        width = -(-(high - low + 1) // (MAX_SPANS * 365)) * 365
    start, counts = low // width * width, dict[int, int]()
    end = max((high // width + 1) * width, start + MIN_SPANS * width)
    for number, count in ordered:
        if start <= number < end:
            counts[number // width * width] = (
                counts.get(number // width * width, 0) + count
            )
    drawn = [
        TimeRange(at, at + width, counts.get(at, 0)) for at in range(start, end, width)
    ]
    below = sum(count for number, count in ordered if number < start)
    return Spans(drawn, below, total - below - sum(counts.values()))


def _quantile(ordered: Sequence[tuple[int, int]], rank: float) -> int:
    """Return the first number with more than `rank` numbers up to it."""
    seen = 0
    for number, count in ordered:
        seen += count
        if seen > rank:
            return number
    return ordered[-1][0]
