"""Names and values of columns as text for people."""

from __future__ import annotations

import re

from reporting_pages.formatting import NONE, count

LONGEST = 120
"""Longest text of a name or a value, in characters."""

_NO_FRACTION = re.compile(r"\.0+(?=[ +-]|$)")


def visible(text: str) -> str:
    """Return a text without control characters, shortened in the middle.

    Characters that are not printable, such as those that turn the direction of the
    text, are shown as escapes.
    """
    shown = "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in text[: 2 * LONGEST]
    )
    if len(shown) > LONGEST or len(text) > 2 * LONGEST:
        shown = f"{shown[: LONGEST - 1]}…"
    return shown if shown.strip() else "(empty)"


def extreme(text: str | None) -> str:
    """Return a least or greatest value; a time without a fraction of zero."""
    if text is None:
        return NONE
    timed = ":" in text
    return visible(_NO_FRACTION.sub("", text) if timed else text)


def estimate(number: int | None) -> str:
    """Return an estimate, from 100 on with two digits: ``≈ 2,900,000``."""
    if number is None or number < 100:
        return count(number)
    unit = 10 ** (len(str(number)) - 2)
    return f"≈ {count(round(number / unit) * unit)}"
