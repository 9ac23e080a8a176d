"""Charts of numbers over months: columns and a line."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt

from reporting_pages.axes import (
    bands,
    cut_title,
    first_tick,
    months,
)
from reporting_pages.chart import PADDING, SHOWN, TIP, Chart, Row, base_chart
from reporting_pages.theme import ACCENT, MUTED, SIZE


def columns(rows: Sequence[Row], *, color: str = ACCENT, height: int = 170) -> Chart:
    """Return a chart with a column per month, each with its number above.

    The last column has the full color, the others are paler.

    Args:
        rows: ``label`` (``Jan|2024``: the line breaks at the bar), ``value``, ``shown``
            and ``tip``.
        color: Color of the columns.
        height: Height in pixels.
    """
    values = [
        {**row, "last": number == len(rows) - 1} for number, row in enumerate(rows)
    ]
    end = max([*(row["value"] for row in values if row["value"]), 1])
    labels = [row["label"] for row in values]
    base, x = base_chart(values), months(labels, bands(labels))
    y = alt.Y("value:Q", axis=None, scale=alt.Scale(domain=[0, end * 1.12], nice=False))
    strength = alt.condition("datum.last", alt.value(1), alt.value(0.45))
    bar = base.mark_bar(fill=color, cornerRadiusEnd=2).encode(
        x=x, y=y, fillOpacity=strength, tooltip=TIP
    )
    text = base.mark_text(
        dy=-8, fontSize=SIZE - 1, opacity={"expr": "width > 420 ? 1 : 0"}
    ).encode(x=x, y=y, text=SHOWN, tooltip=TIP)
    last = (
        base.transform_filter("datum.last")
        .mark_text(dy=-8, fontWeight=600)
        .encode(x=x, y=y, text=SHOWN)
    )
    others = text.transform_filter("!datum.last")
    return alt.layer(bar, others, last).properties(height=height, padding=PADDING)


def line(rows: Sequence[Row], *, color: str = ACCENT, height: int = 170) -> Chart:
    """Return a line chart of shares over months, with the number of the last month.

    The line is broken at months without a value. The title of the axis says where the
    scale starts, unless it starts at 0.

    Args:
        rows: ``label`` as for `columns`, ``value`` (0 to 1, or `None`), ``shown`` and
            ``tip``.
        color: Color of the line.
        height: Height in pixels.
    """
    values = [
        {**row, "last": number == len(rows) - 1} for number, row in enumerate(rows)
    ]
    known = [row["value"] for row in values if row["value"] is not None]
    low, falls = first_tick(known), len(known) > 1 and known[-1] < known[-2]
    labels = [row["label"] for row in values]
    base, x = base_chart(values), months(labels, alt.Scale(domain=labels, padding=0.4))
    axis = alt.Axis(
        format=".0%",
        values=[low, (1 + low) / 2, 1],
        title=cut_title(low),
        titleAlign="left",
        titleAnchor="end",
        titleAngle=0,
        titleX=0,
        titleY=-14,
        labelColor=MUTED,
    )
    y = alt.Y(
        "value:Q", axis=axis, scale=alt.Scale(domain=[low, 1], nice=False, zero=False)
    )
    path = base.mark_line(
        stroke=color, strokeWidth=2, invalid="break-paths-show-path-domains"
    ).encode(x=x, y=y)
    seen = base.transform_filter("isValid(datum.value)")
    point = seen.mark_point(filled=True, fill=color, opacity=1).encode(
        x=x,
        y=y,
        size=alt.condition("datum.last", alt.value(90), alt.value(36)),
        tooltip=TIP,
    )
    text = (
        seen.transform_filter("datum.last")
        .mark_text(dy=16 if falls else -14, fontWeight=600)
        .encode(x=x, y=y, text=SHOWN)
    )
    return alt.layer(path, point, text).properties(height=height, padding=PADDING)
