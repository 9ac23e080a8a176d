"""Tiles: headline numbers with their change and, if known, their course."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup

from reporting_pages.markup import element

_WIDTH, _HEIGHT, _MARGIN = 120, 28, 3

MIN_COURSE = 6
"""Fewest known values in a sparkline; a line through fewer looks like a trend."""


class Tile(NamedTuple):
    """A headline number.

    Attributes:
        name: Name of the number.
        value: The number as text.
        change: Change as text; `None` without a comparison.
        says: Definition of the number, one sentence.
        course: Values up to this one, oldest first; `None` for missing values. A tile
            with fewer than six known values has no sparkline.
        against: Reference of the change, such as ``than in December 2023``.
    """

    name: str
    value: str
    change: str | None = None
    says: str = ""
    course: Sequence[float | None] = ()
    against: str = ""


def tiles(shown: Sequence[Tile]) -> Markup:
    """Return the tiles, side by side if there is room."""
    return element("ul", [element("li", _tile(tile)) for tile in shown], class_="tiles")


def _tile(tile: Tile) -> list[Markup | None]:
    change = (
        element("span", tile.change or "nothing to compare with", class_="change")
        if tile.against
        else None
    )
    against = (
        element("span", tile.against, class_="quiet")
        if tile.change and tile.against
        else None
    )
    return [
        element("p", tile.name, class_="name"),
        element("p", tile.value, class_="value"),
        element("p", change, " ", against, class_="compared") if change else None,
        _sparkline(tile.course),
        element("p", tile.says, class_="says") if tile.says else None,
    ]


def _sparkline(course: Sequence[float | None]) -> Markup | None:
    """Return a line without axes; it is decorative, as charts have the same numbers."""
    known = [value for value in course if value is not None]
    if len(known) < MIN_COURSE:
        return None
    low, high = min(known), max(known)
    spread, apart = high - low or 1, (_WIDTH - 2 * _MARGIN) / (len(course) - 1)

    def place(number: int, value: float) -> tuple[float, float]:
        height = (value - low) / spread if high > low else 0.5
        return _MARGIN + number * apart, _HEIGHT - _MARGIN - height * (
            _HEIGHT - 2 * _MARGIN
        )

    parts, joined = [], False
    for number, value in enumerate(course):
        if value is not None:
            parts.append(
                "{}{:.1f} {:.1f}".format("L" if joined else "M", *place(number, value))
            )
        joined = value is not None
    last = course[-1]
    end = (
        []
        if last is None
        else [element("circle", **_circle(*place(len(course) - 1, last)))]
    )
    return element(
        "svg",
        element("path", d="".join(parts)),
        end,
        class_="spark",
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        aria_hidden="true",
        focusable="false",
    )


def _circle(x: float, y: float) -> dict[str, str]:
    return {"cx": f"{x:.1f}", "cy": f"{y:.1f}", "r": "2.5"}
