"""Figures of counts: by center or module, and by month."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reporting_event_log_checkpoint.monthly.naming import DRAWN, left_out, order, tick
from reporting_event_log_checkpoint.monthly.statistics import Figures
from reporting_pages import Markup, bars, columns, figure, table
from reporting_pages.formatting import change, count, month_name, plural
from reporting_pages.theme import ACCENT


def ranked(
    figures: Figures,
    title: str,
    head: str,
    now: Mapping[Any, int],
    before: Mapping[Any, int],
    caption: str,
    none: str,
    *,
    color: str | None = None,
    one: str = "visit",
) -> Markup:
    """Return a figure of counts, largest first, with the counts of the month before."""
    if not now:
        return figure(title, None, says=none, caption=caption)
    last = figures.last
    names = order({name: now.get(name, 0) for name in {**now, **before}})
    shown = names[:DRAWN]
    rows = [
        {
            "label": name,
            "value": now.get(name, 0),
            "shown": count(now.get(name, 0)),
            "before": before.get(name, 0) if last else None,
            "tip": _tip(figures, name, now, before, one),
        }
        for name in shown
    ]
    tick = f" The mark shows {month_name(last.month)}." if last else ""
    columns_ = [head, month_name(figures.month, short=True)]
    body = [[name, count(now.get(name, 0))] for name in names]
    if last:
        columns_ += [month_name(last.month, short=True), "Change"]
        body = [
            [
                *row,
                count(before.get(name, 0)),
                change(now.get(name, 0), before.get(name, 0)),
            ]
            for row, name in zip(body, names, strict=True)
        ]
    ends = (
        f", least at {names[-1]}, {count(now.get(names[-1], 0))}"
        if len(names) > 1
        else ""
    )
    return figure(
        title,
        bars(rows, color=color or ACCENT),
        says=f"{title}: most at {names[0]}, {plural(now.get(names[0], 0), one)}{ends}.",
        caption=(
            f"{caption}{tick}{left_out(len(names), len(shown), head.lower() + 's')}"
        ),
        behind=table(columns_, body, caption=f"{title}, {month_name(figures.month)}"),
        rows=len(names),
    )


def _tip(
    figures: Figures,
    name: str,
    now: Mapping[Any, int],
    before: Mapping[Any, int],
    one: str,
) -> str:
    caption = f"{name}: {plural(now.get(name, 0), one)}"
    last = figures.last
    return (
        f"{caption}, {count(before.get(name, 0))} in {month_name(last.month)}"
        if last
        else caption
    )


def course(
    figures: Figures,
    title: str,
    field: str,
    one: str,
    caption: str,
    *,
    color: str | None = None,
    beside: int | None = None,
) -> Markup:
    """Return a figure of a count by month.

    `beside` is the number of rows of the chart next to it, if there is one.
    """
    numbers = [(total.month, getattr(total, field)) for total in figures.totals]
    rows = [
        {"label": tick(of, number), "value": value, "shown": count(value),
         "tip": f"{month_name(of)}: {plural(value, one)}"}
        for number, (of, value) in enumerate(numbers)
    ]  # fmt: skip
    if not any(value for _, value in numbers):
        return figure(
            title,
            None,
            says="Nothing to show for these months.",
            caption=caption,
            wide=beside is None,
        )
    low, high = (
        min(numbers, key=lambda pair: pair[1]),
        max(numbers, key=lambda pair: pair[1]),
    )
    says = (
        f"{title}: {plural(numbers[-1][1], one)} in {month_name(figures.month)};"
        f" between {count(low[1])} ({month_name(low[0])}) and {count(high[1])}"
        f" ({month_name(high[0])}) in {plural(len(numbers), 'month')}."
    )
    behind = table(
        ["Month", title.removesuffix(" by month")],
        [[month_name(of), count(value)] for of, value in numbers],
        caption=title,
    )
    chart = columns(rows, color=color or ACCENT, height=max(170, 24 * (beside or 0)))
    return figure(
        title,
        chart,
        says=says,
        caption=caption,
        behind=behind,
        rows=len(numbers),
        wide=beside is None,
    )
