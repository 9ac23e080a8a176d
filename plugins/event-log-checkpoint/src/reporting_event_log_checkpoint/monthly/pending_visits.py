"""Section on visits that wait for a pass."""

from __future__ import annotations

from datetime import timedelta

from reporting_event_log_checkpoint.monthly.naming import (
    DRAWN,
    center_name,
    labels,
    left_out,
    order,
)
from reporting_event_log_checkpoint.monthly.statistics import Figures
from reporting_pages import Markup, Section, bars, element, figure, section, table
from reporting_pages.formatting import count, day, plural

_AGES = (
    (7, "up to a week"),
    (30, "8 to 30 days"),
    (90, "31 to 90 days"),
    (None, "over 90 days"),
)


def waiting(figures: Figures, *, identifiers: bool) -> Section:
    """Return the waiting visits: times, centers, and the longest waiting visits."""
    total, until = (
        sum(figures.ages.values()),
        day((figures.end - timedelta(microseconds=1)).date()),
    )
    says = (
        f"Visits with a submit and without a pass, not deleted, at the end of {until}"
        " (UTC). Days count from the first submit."
    )
    if not total:
        return section(
            "waiting",
            "Waiting for a pass",
            element("p", "No visit waits for a pass.", class_="empty"),
            says=says,
        )
    numbers, low = [], -1
    for high, label in _AGES:
        within = sum(
            n
            for age, n in figures.ages.items()
            if age > low and (high is None or age <= high)
        )
        numbers.append((label, within))
        low = high if high is not None else low
    rows = [
        {"label": label, "value": number, "shown": count(number)}
        for label, number in numbers
    ]
    oldest = max(figures.ages)
    chart = figure(
        "How long they have waited",
        bars(rows),
        says=(
            f"{plural(total, 'visit')} waiting:"
            f" {', '.join(f'{label} {count(number)}' for label, number in numbers)}."
        ),
        caption=(
            f"{plural(total, 'visit')}; the longest has waited for"
            f" {plural(oldest, 'day')}."
        ),
        behind=table(
            ["Time", "Visits"],
            [[label, count(number)] for label, number in numbers],
            caption="Visits waiting, by time",
        ),
        rows=len(numbers),
    )
    content = [
        chart,
        _waiting_by_center(figures),
        _listed(figures, total, identifiers=identifiers),
    ]
    return section("waiting", "Waiting for a pass", content, says=says)


def _waiting_by_center(figures: Figures) -> Markup:
    numbers = {
        center_name(figures, center): number
        for center, number in figures.places.items()
    }
    names = order(numbers)
    shown = names[:DRAWN]
    return figure(
        "Where they wait",
        bars(
            [
                {"label": name, "value": numbers[name], "shown": count(numbers[name])}
                for name in shown
            ]
        ),
        says=(
            f"Visits waiting by center: most at {names[0]},"
            f" {plural(numbers[names[0]], 'visit')}."
        ),
        caption=(
            f"Visits waiting, by center.{left_out(len(names), len(shown), 'centers')}"
        ),
        behind=table(
            ["Center", "Visits"],
            [[name, count(numbers[name])] for name in names],
            caption="Visits waiting, by center",
        ),
        rows=len(names),
    )


def _listed(figures: Figures, total: int, *, identifiers: bool) -> Markup:
    """Return the list of the visits that have waited longest."""
    listed = figures.waiting
    if not listed:
        return element("div", element("p", "No visit is listed."), class_="card")
    heads = ["Participant"] * identifiers + [
        "Center",
        "Module",
        "Visit",
        "First submit",
        "Failed checks",
        "Days",
    ]
    names = labels(figures)
    rows = [
        [visit.ptid] * identifiers
        + [
            center_name(figures, visit.center),
            names[visit.module],
            visit.visit_date.isoformat() if visit.visit_date else None,
            f"{visit.submitted.date().isoformat()}",
            count(visit.failures),
            count(visit.days),
        ]
        for visit in listed
    ]
    more = (
        f" {plural(total - len(listed), 'more visit')}"
        f" {'has' if total - len(listed) == 1 else 'have'} waited for less time."
        if total > len(listed)
        else ""
    )
    return element(
        "div",
        element("h3", "Waiting longest" if more else "All waiting visits"),
        element("p", f"{plural(len(listed), 'visit')}, the longest first.{more}"),
        table(
            heads,
            rows,
            caption="Visits that have waited longest",
            numbers=[len(heads) - 2, len(heads) - 1],
        ),
        class_="card wide scroll",
    )
