"""HTML tables with captions, scoped headers and numbers aligned to the right."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from reporting_pages.formatting import NONE, plural
from reporting_pages.markup import Content, element

SHORT = 20
"""Longest text of a cell that is kept on one line, in characters."""


def table(
    columns: Sequence[str],
    rows: Sequence[Sequence[Content]],
    *,
    caption: str,
    numbers: Sequence[int] | None = None,
    empty: str = "There is nothing to show.",
) -> Markup:
    """Return a table that scrolls sideways if it is too wide.

    The keyboard can reach it.

    Args:
        columns: Headers.
        rows: Cells; the first cell of a row is its header. `None` is shown as a dash.
        caption: Description of the table.
        numbers: Columns aligned to the right; all but the first by default.
        empty: Text shown if there are no rows.
    """
    if not rows:
        return element("p", empty, class_="empty")
    right = set(range(1, len(columns)) if numbers is None else numbers)

    def cell(number: int, value: Content, name: str, **attributes: str) -> Markup:
        short = isinstance(value, str) and len(value) <= SHORT
        kind = "number" if number in right else "short" if short else None
        return element(
            name, NONE if value is None else value, class_=kind, **attributes
        )

    head = element(
        "tr",
        [
            cell(number, column, "th", scope="col")
            for number, column in enumerate(columns)
        ],
    )
    body = [
        element(
            "tr",
            [
                (
                    cell(number, value, "td")
                    if number
                    else cell(0, value, "th", scope="row")
                )
                for number, value in enumerate(row)
            ],
        )
        for row in rows
    ]
    inner = element(
        "table",
        element("caption", caption),
        element("thead", head),
        element("tbody", body),
    )
    return element(
        "div", inner, class_="table", role="region", aria_label=caption, tabindex="0"
    )


def behind(inner: Markup, rows: int) -> Markup:
    """Return a folded table for the numbers of a chart."""
    summary = element(
        "summary",
        "Numbers ",
        element("span", f"({plural(rows, 'row')})", class_="quiet"),
    )
    return element("details", summary, inner)


def facts(pairs: Sequence[tuple[str, Content]]) -> Markup:
    """Return names and values, one pair per line."""
    return element(
        "dl",
        [
            element("div", element("dt", name), element("dd", value))
            for name, value in pairs
        ],
        class_="facts",
    )
