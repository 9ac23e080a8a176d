"""Section on the days to submit and to pass."""

from __future__ import annotations

from reporting_event_log_checkpoint.monthly.spans import spans_of
from reporting_event_log_checkpoint.monthly.statistics import Figures, Spread
from reporting_pages import Markup, Section, figure, histogram, section, table
from reporting_pages.formatting import count, days, month_name, plural


def times(figures: Figures) -> Section:
    """Return the days to the first submit, and to the first pass."""
    name = month_name(figures.month)
    content = [
        _spread(figures.to_submit, "Days from visit to submit", "submit", name),
        _spread(figures.to_pass, "Days from visit to pass", "pass", name),
    ]
    says = (
        "Calendar days from the date of a visit to its first submit and to its first"
        " pass, in UTC."
    )
    return section("times", "Time to submit and pass", content, says=says)


def _spread(spread: Spread, title: str, what: str, name: str) -> Markup:
    which = f"Visits with their first {what} in {name}"
    if not spread.days or spread.median is None or spread.p90 is None:
        return figure(
            title,
            None,
            says=f"No visit has its first {what} in {name}.",
            caption=f"{which}.",
        )
    spans = spans_of(spread.days)
    rows = [
        {
            "low": span.low,
            "high": span.high,
            "value": span.number,
            "tip": f"{_span(span.low, span.high)}: {plural(span.number, 'visit')}",
        }
        for span in spans.drawn
    ]
    start, end = spans.drawn[0].low, spans.drawn[-1].high
    marks = [
        {"at": value + 0.5, "shown": f"{label} {days(value)}", "right": right}
        for label, value, right in (
            ("median", spread.median, False),
            ("90%", spread.p90, True),
        )
        if start <= value < end
    ]
    if len(marks) == 2 and (spread.median - start) < 0.3 * (end - start):
        marks = [{**mark, "right": True} for mark in marks]  # no room to the left
        if spread.p90 - spread.median < 0.3 * (end - start):
            marks[0] = {
                **marks[0],
                "shown": f"{marks[0]['shown']}, 90% {days(spread.p90)}",
            }
            marks[1] = {**marks[1], "shown": ""}
    outside = spans.below + spans.above
    aside = (
        f" {plural(outside, 'visit')} outside the chart"
        f" {'is' if outside == 1 else 'are'} in the numbers."
        if outside
        else ""
    )
    body = [
        [_span(span.low, span.high), count(span.number)]
        for span in spans.drawn
        if span.number
    ]
    if spans.below:
        body.insert(0, [f"less than {start}", count(spans.below)])
    if spans.above:
        body.append([f"{end} or more", count(spans.above)])
    text = (
        f"half within {days(spread.median)} days (median), nine in ten within"
        f" {days(spread.p90)}, {days(spread.mean)} on average"
    )
    return figure(
        title,
        histogram(rows, marks, title="days after the visit"),
        says=f"{title}, {plural(spread.visits, 'visit')}: {text}.",
        caption=f"{which}: {plural(spread.visits, 'visit')}, {text}.{aside}",
        behind=table(["Days", "Visits"], body, caption=f"{title}, {name}"),
        rows=len(body),
    )


def _span(low: int, high: int) -> str:
    return f"{low}" if high - low == 1 else f"{low} to {high - 1}"
