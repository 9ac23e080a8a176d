"""Charts of counted cells: a grid and a histogram."""

from __future__ import annotations

from collections.abc import Sequence

import altair as alt

from reporting_pages.axes import (
    label_axis,
    short_labels,
)
from reporting_pages.chart import PADDING, SHOWN, TIP, Chart, Row, base_chart
from reporting_pages.theme import ACCENT, INK, LINE, PAPER


def grid(
    rows: Sequence[Row],
    *,
    down: Sequence[str],
    across: Sequence[str],
    color: str = ACCENT,
) -> Chart:
    """Return a chart with a cell per pair; larger values have a stronger color.

    A cell shows its number if there is room.

    Args:
        rows: ``down`` and ``across`` (the cell), ``value``, ``shown`` and ``tip``; a
            missing pair stays empty.
        down: Labels of the rows, in order.
        across: Labels of the columns, in order.
        color: Color of the cells.
    """
    names, heads = short_labels(down), short_labels(across, 15)
    most = max([*(row["value"] for row in rows), 1])
    at, by = dict(zip(down, names, strict=True)), dict(zip(across, heads, strict=True))
    values = [{**row, "down": at[row["down"]], "across": by[row["across"]],
               "part": (row["value"] / most) ** 0.5} for row in rows]  # fmt: skip
    base = base_chart(values)
    top = alt.Axis(
        orient="top",
        labelAngle=-45,
        labelAlign="left",
        title=None,
        labelLimit=130,
        labelColor=INK,
    )
    x = alt.X(
        "across:N",
        sort=None,
        axis=top,
        scale=alt.Scale(domain=heads, paddingInner=0.06, paddingOuter=0),
    )
    y = alt.Y(
        "down:N",
        sort=None,
        axis=label_axis(),
        scale=alt.Scale(domain=names, paddingInner=0.1, paddingOuter=0),
    )
    cell = base.mark_rect(fill=color, cornerRadius=2).encode(
        x=x,
        y=y,
        fillOpacity=alt.Opacity(
            "part:Q", scale=alt.Scale(domain=[0, 1], range=[0.05, 0.5]), legend=None
        ),
        tooltip=TIP,
    )
    room = f"width > {len(heads)} * 34 ? 1 : 0"
    text = base.mark_text(opacity={"expr": room}).encode(
        x=x, y=y, text=SHOWN, tooltip=TIP
    )
    tilted = {**PADDING, "right": 36}  # the last label is tilted to the right
    return alt.layer(cell, text).properties(
        height=max(len(names), 1) * 26, padding=tilted
    )


def histogram(
    rows: Sequence[Row],
    marks: Sequence[Row] = (),
    *,
    title: str,
    color: str = ACCENT,
    height: int = 150,
) -> Chart:
    """Return a chart of frequencies per span, with lines at marked numbers.

    Args:
        rows: ``low`` and ``high`` (the span), ``value`` (the frequency) and ``tip``.
        marks: ``at``, ``shown`` and ``right``, true if the text is to the right of the
            line.
        title: Title of the axis.
        color: Color of the columns.
        height: Height in pixels.
    """
    base, lines = base_chart(rows), base_chart(marks)
    ends = [min(row["low"] for row in rows), max(row["high"] for row in rows)]
    axis = alt.Axis(
        title=title,
        tickCount=6,
        format="d",
        grid=False,
        ticks=True,
        tickColor=LINE,
        domain=True,
        domainColor=LINE,
    )
    x = alt.X("low:Q", axis=axis, scale=alt.Scale(domain=ends, nice=False))
    most = max([*(row["value"] for row in rows), 1])
    y = alt.Y("value:Q", axis=None, scale=alt.Scale(domain=[0, most * 1.3], nice=False))
    bar = base.mark_rect(
        fill=color, fillOpacity=0.55, stroke=PAPER, strokeWidth=1
    ).encode(x=x, x2=alt.X2("high:Q"), y=y, y2=alt.Y2Datum(0), tooltip=TIP)
    rule = lines.mark_rule(stroke=INK, strokeWidth=1.5, strokeDash=[3, 3]).encode(
        x=alt.X("at:Q")
    )
    words = [
        lines.transform_filter("datum.right" if right else "!datum.right")
        .mark_text(
            align="left" if right else "right",
            dx=5 if right else -5,
            baseline="top",
            y=0,
            fontWeight=600,
        )
        .encode(x=alt.X("at:Q"), text=SHOWN)
        for right in (True, False)
    ]
    return alt.layer(bar, rule, *words).properties(height=height, padding=PADDING)
