"""Durations in settings: a number and a unit, such as 36h."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from pydantic import ValidationError, ValidatorFunctionWrapHandler

_DURATION = re.compile(r"([0-9]{1,6})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def duration_of(text: str) -> timedelta | None:
    """Return the duration of a number and s, m, h, d or w; `None` for other texts."""
    match = _DURATION.fullmatch(text)
    return timedelta(**{_UNITS[match[2]]: int(match[1])}) if match else None


def checked_age(text: str) -> str:
    """Return the text of a duration.

    Raises:
        ValueError: It is another text.
    """
    if duration_of(text) is None:
        raise ValueError("give a number and a unit: s, m, h, d or w, as in 36h")
    return text


def read_duration(
    value: Any, read: ValidatorFunctionWrapHandler, allowed: str = "seconds"
) -> Any:
    """Return a value as pydantic reads it, or the duration of a number and a unit.

    Args:
        value: Value of a setting.
        read: Validator of the field.
        allowed: Number that the field accepts, for the message.

    Raises:
        ValueError: It is neither.
    """
    try:
        return read(value)
    except ValidationError:
        duration = duration_of(value) if isinstance(value, str) else None
    if duration is None:
        raise ValueError(f"give {allowed}, or a duration such as 2h, 3d or PT2H")
    return duration
