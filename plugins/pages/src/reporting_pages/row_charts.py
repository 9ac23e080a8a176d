"""Charts with a labeled row for each number: bars and dots."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt

from reporting_pages.axes import (
    cut_title,
    first_tick,
    labels_down,
    short_labels,
)
from reporting_pages.chart import PADDING, SHOWN, TIP, Chart, Row, base_chart
from reporting_pages.theme import ACCENT, BEFORE, INK, LINE, PAPER

STEP = 24
"""Height of a row, in pixels."""

_COLUMN = 58
"""Width of the column of numbers to the right of a chart, in pixels."""


def bars(
    rows: Sequence[Row], *, color: str = ACCENT, most: float | None = None
) -> Chart:
    """Return a chart with a bar per row, its number at the right, and ticks.

    Args:
        rows: ``label``, ``value``, ``shown`` (the number as text) and optionally
            ``before``, the earlier value, which gets a tick, and ``tip``, the tooltip.
        color: Color of the bars.
        most: End of the scale; the largest number by default.
    """
    values = _named(rows)
    end = most or max(
        [
            *(row["value"] for row in values),
            *(row.get("before") or 0 for row in values),
            1,
        ]
    )
    base, y = base_chart(values), labels_down([row["label"] for row in values])
    x = alt.X("value:Q", axis=None, scale=alt.Scale(domain=[0, end], nice=False))
    track = base.mark_bar(
        fill=LINE, fillOpacity=0.45, height=12, cornerRadius=2
    ).encode(y=y, tooltip=TIP)
    bar = base.mark_bar(fill=color, height=12, cornerRadiusEnd=2).encode(
        x=x, y=y, tooltip=TIP
    )
    seen = base.transform_filter("isValid(datum.before)")
    tick = seen.mark_tick(stroke=None, fill=INK, thickness=2, height=18).encode(
        x=alt.X("before:Q"), y=y, tooltip=TIP
    )
    return _with_height(alt.layer(track, bar, tick, _figures(base, y)), len(values))


def dots(rows: Sequence[Row], *, color: str = ACCENT) -> Chart:
    """Return a chart with a dot per row, on a scale up to 100%, and rings.

    The title of the axis says where the scale starts, unless it starts at 0.

    Args:
        rows: ``label``, ``value`` (0 to 1), ``shown`` and optionally ``before`` (0 to
            1), the earlier value, which gets a ring, and ``tip``.
        color: Color of the dots.
    """
    values = _named(rows)
    base, y = base_chart(values), labels_down([row["label"] for row in values])
    low = first_tick(
        [
            value
            for row in values
            for value in (row["value"], row["before"])
            if value is not None
        ]
    )
    ticks = [low, (1 + low) / 2, 1]
    axis = alt.Axis(
        format=".0%",
        values=ticks,
        grid=True,
        labelFlush=False,
        title=cut_title(low),
    )
    scale = alt.Scale(domain=[low, 1], nice=False, zero=False)
    x, then = (
        alt.X("value:Q", axis=axis, scale=scale),
        alt.X("before:Q", axis=axis, scale=scale),
    )
    seen = base.transform_filter("isValid(datum.before)")
    way = seen.mark_rule(stroke=BEFORE, strokeWidth=2).encode(
        x=then, x2=alt.X2("value:Q"), y=y
    )
    ring = seen.mark_point(
        filled=False, stroke=BEFORE, fill=PAPER, strokeWidth=2, size=60, opacity=1
    ).encode(x=then, y=y, tooltip=TIP)
    dot = base.mark_point(filled=True, fill=color, size=90, opacity=1).encode(
        x=x, y=y, tooltip=TIP
    )
    return _with_height(alt.layer(way, ring, dot, _figures(base, y)), len(values))


def _named(rows: Sequence[Row]) -> list[dict[str, Any]]:
    labels = short_labels([row["label"] for row in rows])
    return [
        {
            "before": None,
            "tip": f"{row['label']}: {row['shown']}",
            **row,
            "label": label,
        }
        for row, label in zip(rows, labels, strict=True)
    ]


def _figures(base: alt.Chart, y: alt.Y) -> alt.Chart:
    """Return the column of numbers, in the padding to the right."""
    text = base.mark_text(align="right", x={"expr": f"width + {_COLUMN}"})
    chart: alt.Chart = text.encode(y=y, text=SHOWN)
    return chart


def _with_height(chart: Chart, rows: int) -> Chart:
    return chart.properties(height=max(rows, 1) * STEP, padding=PADDING)
