"""Theme of the charts.

Colors are CSS variables of the page, so dark mode and print need no new drawing.
"""

from __future__ import annotations

from typing import Any

FONT = (
    'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans",'
    " Arial, sans-serif"
)

ACCENT, BEFORE, ALARM = "var(--accent)", "var(--before)", "var(--alarm)"
INK, MUTED, LINE, PAPER = "var(--ink)", "var(--muted)", "var(--line)", "var(--surface)"

SIZE = 12
"""Size of all text in charts, in pixels. Charts are drawn to their width, so it is not
scaled on a phone.
"""

CONFIG: dict[str, Any] = {
    "aria": False,  # each chart has one description in words
    "mark": {"aria": False},
    "background": "transparent",
    "font": FONT,
    "view": {"stroke": None},
    "axis": {
        "domain": False,
        "gridColor": LINE,
        "labelColor": MUTED,
        "labelFontSize": SIZE,
        "labelPadding": 6,
        "ticks": False,
        "titleColor": MUTED,
        "titleFontSize": SIZE,
        "titleFontWeight": "normal",
        "titlePadding": 8,
    },
    "axisY": {"labelColor": INK},
    "text": {"fill": INK, "fontSize": SIZE},
}


def embeddable(spec: dict[str, Any]) -> dict[str, Any]:
    """Adapt a specification to its place on the page and to the page's colors.

    Settings of the specification itself take precedence.

    Args:
        spec: Result of Altair's ``to_dict``.
    """
    spec_in_page = {
        "width": "container",
        "autosize": {"type": "fit-x", "contains": "padding"},
        **spec,
    }
    spec_in_page["config"] = _merged(CONFIG, spec.get("config", {}))
    spec_in_page.pop("$schema", None)
    return spec_in_page


def _merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    both = {
        key: _merged(base[key], value)
        if isinstance(value, dict) and isinstance(base.get(key), dict)
        else value
        for key, value in over.items()
    }
    return {**base, **both}
