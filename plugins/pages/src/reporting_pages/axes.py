"""Axes of charts: labels that fit on a screen and on a phone, and their scales."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence

import altair as alt

LONGEST, SHORTEST = 28, 16
"""Longest label in characters, and longest label on a phone."""

MAX_MONTHS = 6
"""Most months that an axis names on a phone."""

_NARROW = "containerSize()[0] < 440"
"""Vega expression that is true on a phone."""


def short_labels(labels: Sequence[str], longest: int = LONGEST) -> list[str]:
    """Shorten labels so that they fit and stay distinct.

    They are cut in the middle, and numbered if two would be equal.
    """
    texts: list[str] = []
    for label in labels:
        text = " ".join(label.split()) or "(empty)"
        short = (
            text
            if len(text) <= longest
            else f"{text[: longest // 2]}…{text[-(longest - longest // 2 - 1) :]}"
        )
        unique, number = short, 2
        while unique in texts:
            unique, number = f"{short} ({number})", number + 1
        texts.append(unique)
    return texts


def first_tick(shares: Sequence[float]) -> float:
    """Return the start of a scale of shares: a multiple of 20% below all of them."""
    return max(0.0, math.floor(min(shares, default=0) * 5 - 0.1) / 5)


def cut_title(low: float) -> str | None:
    """Return the title that marks a scale as cut; `None` if it starts at 0."""
    return f"axis cut: starts at {low:.0%}" if low else None


def label_axis() -> alt.Axis:
    """Return an axis with labels to the left, which are cut further on a phone."""
    shorter = (
        f"length(datum.label) > {SHORTEST} ? slice(datum.label, 0, 8) + '…' +"
        " slice(datum.label, -7) : datum.label"
    )
    return alt.Axis(
        title=None,
        labelLimit=220,
        labelPadding=8,
        labelExpr=f"{_NARROW} ? ({shorter}) : datum.label",
    )


def labels_down(labels: Sequence[str]) -> alt.Y:
    """Return an axis with a label for each row, in the given order."""
    scale = alt.Scale(domain=list(labels), padding=0)
    return alt.Y("label:N", sort=None, axis=label_axis(), scale=scale)


def bands(labels: Sequence[str]) -> alt.Scale:
    """Return a scale with a band per column; few columns stay narrow."""
    apart = max(0.25, 1 - 0.09 * len(labels))
    return alt.Scale(
        domain=list(labels),
        paddingInner=apart,
        paddingOuter=apart / 2 if apart > 0.25 else 0.1,
    )


def months(labels: Sequence[str], scale: alt.Scale) -> alt.X:
    """Return an axis of months; on a phone it names at most six of them.

    Args:
        labels: Labels of all months, in order: ``Jan|2024``, where the line breaks at
            the bar, or ``Feb``.
        scale: Scale of the months.
    """
    words = (
        f"{_NARROW} ? {json.dumps(_sparse(labels))}[datum.label]"
        " : split(datum.label, '|')"
    )
    axis = alt.Axis(title=None, labelAngle=0, labelExpr=words, labelOverlap=False)
    return alt.X("label:N", sort=None, axis=axis, scale=scale)


def _sparse(labels: Sequence[str]) -> dict[str, list[str]]:
    """Return the lines of each label on a phone, at even distances up to the last.

    A shown month has the year of a label that is left out before it.
    """
    step, year = math.ceil(len(labels) / MAX_MONTHS), ""
    lines: dict[str, list[str]] = {}
    for left, label in zip(range(len(labels) - 1, -1, -1), labels, strict=True):
        month, _, begun = label.partition("|")
        year = begun or year
        if left % step:
            lines[label] = ["", ""]
        else:
            lines[label], year = [month, year], ""
    return lines
