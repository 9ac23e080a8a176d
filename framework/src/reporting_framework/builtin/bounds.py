"""Bounds of values as settings give them: numbers, dates and times."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

from pydantic import BeforeValidator

from reporting_framework.builtin.decimal_floats import MAX_PRECISION


def _is_bound(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("give a number, or a date or time as in ISO 8601")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("give a finite number; without a bound, leave it out")
    if isinstance(value, str):
        _check_text(value)
    return value


def _check_text(text: str) -> None:
    """Raise `ValueError` if a text is a number or a time that no column can have."""
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if number.is_finite() and abs(number.adjusted()) > MAX_PRECISION:
        raise ValueError(f"a bound has at most {MAX_PRECISION} digits, zeros included")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return
    if moment.tzinfo is None:
        return
    try:
        moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("give a time in the years 1 to 9999 of UTC") from None


Bound = Annotated[int | float | str, BeforeValidator(_is_bound)]
"""Number, or text of a decimal, a date or a time as in ISO 8601."""


def no_value_between(
    least: Bound, most: Bound, *, exclusive: int = 0, whole: bool = False
) -> bool:
    """Return whether no value is within two bounds.

    Args:
        least: Lower bound.
        most: Upper bound; of another type than the lower one, the answer is `False`.
        exclusive: Number of bounds that are no values themselves.
        whole: Whether values are whole numbers or days, and the bounds, too.
    """
    one, other = _place(least), _place(most)
    if one is None or other is None or one[0] != other[0]:
        return False
    span = other[1] - one[1]
    return span < exclusive if whole else span < 0 or (not span and exclusive > 0)


def _place(bound: Bound) -> tuple[str, Decimal] | None:
    """Return the kind and the number of a bound, in days for times; else `None`."""
    try:
        number = Decimal(str(bound))
        return ("number", number) if number.is_finite() else None
    except InvalidOperation:
        pass
    try:
        moment = datetime.fromisoformat(str(bound))
    except ValueError:
        return None
    kind = "local" if moment.tzinfo is None else "moment"
    since = moment.replace(tzinfo=moment.tzinfo or UTC) - datetime(
        1970, 1, 1, tzinfo=UTC
    )
    return kind, Decimal(since // timedelta(microseconds=1)) / (86_400 * 10**6)
