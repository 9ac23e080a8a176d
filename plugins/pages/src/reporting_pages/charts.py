"""Charts of pages: Altair specifications with few rows.

`document.figure` takes any other chart of Altair too. Rows are plain dictionaries with
numbers that were counted before. Labels may be any text; a label that is too long for a
chart is cut in the middle.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt

from reporting_pages.axes import (
    bands,
    cut_title,
    first_tick,
    label_axis,
    labels_down,
    months,
    short_labels,
)
from reporting_pages.theme import ACCENT, BEFORE, INK, LINE, MUTED, PAPER, SIZE

Chart = alt.Chart | alt.LayerChart | alt.FacetChart
Row = Mapping[str, Any]

STEP = 24
"""Height of a row, in pixels."""

_COLUMN = 58
"""Width of the column of numbers to the right of a chart, in pixels."""

_PADDING = {"left": 1, "right": 1, "top": 2, "bottom": 2}

_TIP = alt.Tooltip("tip:N")  # Altair takes 10 ms to look up the class of a mere string
_SHOWN = alt.Text("shown:N")


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
    base, y = _base(values), labels_down([row["label"] for row in values])
    x = alt.X("value:Q", axis=None, scale=alt.Scale(domain=[0, end], nice=False))
    track = base.mark_bar(
        fill=LINE, fillOpacity=0.45, height=12, cornerRadius=2
    ).encode(y=y, tooltip=_TIP)
    bar = base.mark_bar(fill=color, height=12, cornerRadiusEnd=2).encode(
        x=x, y=y, tooltip=_TIP
    )
    seen = base.transform_filter("isValid(datum.before)")
    tick = seen.mark_tick(stroke=None, fill=INK, thickness=2, height=18).encode(
        x=alt.X("before:Q"), y=y, tooltip=_TIP
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
    base, y = _base(values), labels_down([row["label"] for row in values])
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
    ).encode(x=then, y=y, tooltip=_TIP)
    dot = base.mark_point(filled=True, fill=color, size=90, opacity=1).encode(
        x=x, y=y, tooltip=_TIP
    )
    return _with_height(alt.layer(way, ring, dot, _figures(base, y)), len(values))


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
    base, x = _base(values), months(labels, bands(labels))
    y = alt.Y("value:Q", axis=None, scale=alt.Scale(domain=[0, end * 1.12], nice=False))
    strength = alt.condition("datum.last", alt.value(1), alt.value(0.45))
    bar = base.mark_bar(fill=color, cornerRadiusEnd=2).encode(
        x=x, y=y, fillOpacity=strength, tooltip=_TIP
    )
    text = base.mark_text(
        dy=-8, fontSize=SIZE - 1, opacity={"expr": "width > 420 ? 1 : 0"}
    ).encode(x=x, y=y, text=_SHOWN, tooltip=_TIP)
    last = (
        base.transform_filter("datum.last")
        .mark_text(dy=-8, fontWeight=600)
        .encode(x=x, y=y, text=_SHOWN)
    )
    others = text.transform_filter("!datum.last")
    return alt.layer(bar, others, last).properties(height=height, padding=_PADDING)


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
    base, x = _base(values), months(labels, alt.Scale(domain=labels, padding=0.4))
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
        tooltip=_TIP,
    )
    text = (
        seen.transform_filter("datum.last")
        .mark_text(dy=16 if falls else -14, fontWeight=600)
        .encode(x=x, y=y, text=_SHOWN)
    )
    return alt.layer(path, point, text).properties(height=height, padding=_PADDING)


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
    base = _base(values)
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
        tooltip=_TIP,
    )
    room = f"width > {len(heads)} * 34 ? 1 : 0"
    text = base.mark_text(opacity={"expr": room}).encode(
        x=x, y=y, text=_SHOWN, tooltip=_TIP
    )
    tilted = {**_PADDING, "right": 36}  # the last label is tilted to the right
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
    base, lines = _base(rows), _base(marks)
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
    ).encode(x=x, x2=alt.X2("high:Q"), y=y, y2=alt.Y2Datum(0), tooltip=_TIP)
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
        .encode(x=alt.X("at:Q"), text=_SHOWN)
        for right in (True, False)
    ]
    return alt.layer(bar, rule, *words).properties(height=height, padding=_PADDING)


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


def _base(values: Sequence[Row]) -> alt.Chart:
    return alt.Chart(alt.InlineData(values=[dict(row) for row in values]))


def _figures(base: alt.Chart, y: alt.Y) -> alt.Chart:
    """Return the column of numbers, in the padding to the right."""
    text = base.mark_text(align="right", x={"expr": f"width + {_COLUMN}"})
    chart: alt.Chart = text.encode(y=y, text=_SHOWN)
    return chart


def _with_height(chart: Chart, rows: int) -> Chart:
    return chart.properties(height=max(rows, 1) * STEP, padding=_PADDING)
