"""Names and orders that all parts of the page share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import Any

from reporting_event_log_checkpoint.monthly.statistics import Figures, Key, Rate
from reporting_pages.formatting import count, month_name

DRAWN = 30
"""Centers, and modules, that a chart shows; its table has all."""


def order(numbers: Mapping[Any, int]) -> list[Any]:
    """Largest first, then by name."""
    return sorted(numbers, key=lambda name: (-numbers[name], str(name)))


def center_name(figures: Figures, number: Any) -> str:
    """What a center is called on the page."""
    return figures.centers.get(number) or (
        "(no center)" if number is None else f"center {number}"
    )


def labels(figures: Figures) -> dict[tuple[str | None, str | None], str]:
    """Return a name for each datatype and module, the same all over the page.

    It is the module, else the datatype, or both.
    """
    forms = [_short, _joined, _quoted]
    numbers = dict.fromkeys(figures.modules, 0)
    while shared := [
        name
        for name, number in Counter(
            forms[at](*key) for key, at in numbers.items()
        ).items()
        if number > 1
    ]:
        numbers = {
            key: min(at + (forms[at](*key) in shared), len(forms) - 1)
            for key, at in numbers.items()
        }
    return {key: forms[at](*key) for key, at in numbers.items()}


def _short(kind: str | None, module: str | None) -> str:
    return module or kind or "(none)"


def _joined(kind: str | None, module: str | None) -> str:
    return f"{kind or '(none)'} · {module or 'no module'}"


def _quoted(kind: str | None, module: str | None) -> str:
    return f"{kind!r} · {module!r}"


def labelled(figures: Figures, rates: Mapping[Key, Rate]) -> dict[str, Rate]:
    """Pass rates by the name of their module."""
    names = labels(figures)
    return {names[kind, module]: rate for (kind, module), rate in rates.items()}


def by_module(figures: Figures, numbers: Mapping[Key, int]) -> dict[str, int]:
    """Counts by center and module, summed by the name of the module."""
    names, counts = labels(figures), dict[str, int]()
    for (_, kind, module), number in numbers.items():
        label = names[kind, module]
        counts[label] = counts.get(label, 0) + number
    return counts


def summed(numbers: Mapping[Key, int], at: int) -> dict[Any, int]:
    """Counts summed by one part of their key."""
    counts: dict[Any, int] = {}
    for key, number in numbers.items():
        counts[key[at]] = counts.get(key[at], 0) + number
    return counts


def tick(month: date, number: int) -> str:
    """A month below an axis; the year where it begins."""
    name = month_name(month, short=True)[:3]
    return f"{name}|{month.year}" if not number or month.month == 1 else name


def left_out(total: int, shown: int, what: str) -> str:
    """A sentence, where a chart shows less than there is."""
    return (
        f" The chart shows {shown} of {count(total)} {what}; the numbers have all."
        if total > shown
        else ""
    )
