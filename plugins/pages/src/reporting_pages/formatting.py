"""Formats of numbers, days and durations for people."""

from __future__ import annotations

from datetime import date, datetime, timedelta

NONE = "–"
"""Text for a missing number."""

_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def count(number: float | None) -> str:
    """Format a whole number with separators: ``12,345``."""
    return NONE if number is None else f"{number:,.0f}"


def share(part: float | None) -> str:
    """Format a share as per cent with one decimal: ``87.3%``.

    A share between 0 and 1 is never shown as 0% or 100%.
    """
    if part is None:
        return NONE
    if 0.9995 <= part < 1:
        return "99.9%"
    if 0 < part < 0.0005:
        return "0.1%"
    return f"{100 * part:.1f}%"


def days(number: float | None) -> str:
    """Format days with one decimal, or none if they are whole: ``8``, ``8.5``."""
    return NONE if number is None else f"{number:,.1f}".removesuffix(".0")


def plural(number: float, one: str, several: str | None = None) -> str:
    """Format a number with its word: ``1 visit``, ``12 visits``."""
    return f"{count(number)} {one if number == 1 else several or one + 's'}"


def month_name(month: date, *, short: bool = False) -> str:
    """Format a month as ``January 2024``, or ``Jan 2024`` if short."""
    name = _MONTHS[month.month - 1]
    return f"{name[:3] if short else name} {month.year}"


def day(moment: date) -> str:
    """Format a day as ``2 January 2024``."""
    return f"{moment.day} {month_name(moment)}"


def moment(at: datetime) -> str:
    """Format a moment as ``2 January 2024, 03:04 UTC``."""
    return f"{day(at)}, {at:%H:%M} UTC"


def ago(taken: timedelta) -> str:
    """Format a duration in its largest unit: ``5 minutes``, ``12 days``."""
    seconds = max(taken.total_seconds(), 0)
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= size:
            return plural(int(seconds // size), unit)
    return "less than a minute"


def change(now: float | None, before: float | None) -> str | None:
    """Format the change of a count: ``+12 (+4.2%)``; `None` without a comparison."""
    if now is None or before is None:
        return None
    step = now - before
    if not step:
        return "no change"
    rate = f" ({_signed(100 * step / before, 1)}%)" if before else ""
    return f"{_signed(step, 0)}{rate}"


def points(now: float | None, before: float | None) -> str | None:
    """Format the change of a share: ``-1.2 points``; `None` without a comparison."""
    if now is None or before is None:
        return None
    step = round(100 * (now - before), 1)
    return f"{_signed(step, 1)} points" if step else "no change"


def _signed(number: float, decimals: int) -> str:
    sign = "+" if number > 0 else "−"
    return f"{sign}{abs(number):,.{decimals}f}"
