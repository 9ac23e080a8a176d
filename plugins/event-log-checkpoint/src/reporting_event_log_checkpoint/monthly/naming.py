"""Names and orders shared by all parts of the page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from reporting_event_log_checkpoint.monthly.statistics import Figures, Key, Rate
from reporting_pages.formatting import count, month_name

DRAWN = 30
"""Most centers or modules in a chart; its table has all."""


def order(numbers: Mapping[Any, int]) -> list[Any]:
    """Sort names by their numbers, largest first, then by name."""
    return sorted(numbers, key=lambda name: (-numbers[name], str(name)))


def center_names(
    latest: Iterable[tuple[int | None, str | None]],
) -> Mapping[int | None, str]:
    """Return a unique name for each center: its label, with its number if needed.

    Args:
        latest: Number of each center, and the label in its latest event.
    """
    labels = {center: label or "(no name)" for center, label in latest}
    while several := {
        label for label, number in Counter(labels.values()).items() if number > 1
    }:
        # Once more, as the name with its number may be the name of another center.
        labels = {
            center: f"{label} ({center})" if label in several else label
            for center, label in labels.items()
        }
    return labels


def center_name(figures: Figures, number: Any) -> str:
    """Return the name of a center on the page."""
    return figures.centers.get(number) or (
        "(no center)" if number is None else f"center {number}"
    )


def labels(figures: Figures) -> dict[tuple[str | None, str | None], str]:
    """Return a unique name for each datatype and module, used on the whole page.

    The name is the module, else the datatype, or both if needed.
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
    """Return the pass rates by the name of their module."""
    names = labels(figures)
    return {names[kind, module]: rate for (kind, module), rate in rates.items()}


def by_module(figures: Figures, numbers: Mapping[Key, int]) -> dict[str, int]:
    """Sum counts by center and module to counts by the name of the module."""
    names, counts = labels(figures), dict[str, int]()
    for (_, kind, module), number in numbers.items():
        label = names[kind, module]
        counts[label] = counts.get(label, 0) + number
    return counts


def summed(numbers: Mapping[Key, int], at: int) -> dict[Any, int]:
    """Sum counts by one part of their key."""
    counts: dict[Any, int] = {}
    for key, number in numbers.items():
        counts[key[at]] = counts.get(key[at], 0) + number
    return counts


def tick(month: date, number: int) -> str:
    """Return the label of a month on an axis, with the year at its first month."""
    name = month_name(month, short=True)[:3]
    return f"{name}|{month.year}" if not number or month.month == 1 else name


def left_out(total: int, shown: int, what: str) -> str:
    """Return a sentence if a chart shows fewer than all, else an empty text."""
    return (
        f" The chart shows {shown} of {count(total)} {what}; the numbers have all."
        if total > shown
        else ""
    )
