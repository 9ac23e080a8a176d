"""Cursors of records: their order, and values before and at a moment.

A cursor is a number, or an ISO 8601 time or date.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

TimeFormat = Literal["iso", "date", "epoch", "epoch_ms"]
"""Form of a time in parameters."""

_FRACTION = re.compile(r"(\.\d{6})\d+")

_MILLISECONDS = 100_000_000_000
"""Number from which on an integer is taken as milliseconds since the epoch."""

_RECENT = 1_000_000_000
"""Seconds since the epoch, in 2001, from which on a number is taken as a time."""


def order_of(value: Any) -> tuple[int, Any] | None:
    """Return the place of a cursor in the order, `None` if it has none."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return 0, value
    moment = moment_of(value)
    return None if moment is None else (1, moment)


def moment_of(value: Any) -> datetime | None:
    """Return the time of a text (aware, UTC), `None` if it is not a time."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(_FRACTION.sub(r"\1", value))
    except ValueError:
        return None
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return None


def is_ahead(value: Any, now: datetime, others: Iterable[Any] = ()) -> bool:
    """Return whether a cursor that is a time is after `now`.

    A number is a time, in seconds or milliseconds since the epoch, if one of the others
    is such a time in the past: numbers may be versions, too.

    Args:
        value: The cursor.
        now: The moment, aware.
        others: Further cursors of the resource.
    """
    if not isinstance(value, int | float):
        moment = moment_of(value)
        return moment is not None and moment > now
    for unit in (1, 1_000):
        latest, end = now.timestamp() * unit, _MILLISECONDS * unit
        if latest < value < end:
            return any(
                isinstance(other, int | float) and _RECENT * unit <= other <= latest
                for other in others
            )
    return False


def shifted(value: Any, back: timedelta) -> Any:
    """Return the cursor that is `back` before a value.

    Of a number, whole seconds are taken, or milliseconds if it is large.
    """
    if not back:
        return value
    if isinstance(value, int | float):
        seconds = back.total_seconds()
        return value - (int(seconds * 1000) if value > _MILLISECONDS else int(seconds))
    moment = moment_of(value)
    if moment is None:
        return value
    try:
        return (moment - back).isoformat().replace("+00:00", "Z")
    except OverflowError:  # the year 1
        return value


def formatted(moment: datetime, form: TimeFormat) -> str:
    """Return a time as a parameter."""
    if form == "iso":
        return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
    if form == "date":
        return moment.date().isoformat()
    seconds = moment.timestamp()
    return str(int(seconds) if form == "epoch" else int(seconds * 1000))
