"""Section on pass rates."""

from __future__ import annotations

from collections.abc import Mapping

from reporting_event_log_checkpoint.monthly.naming import (
    DRAWN,
    center_name,
    labelled,
    left_out,
    tick,
)
from reporting_event_log_checkpoint.monthly.statistics import Figures, Rate
from reporting_pages import Markup, Section, dots, figure, line, section, table
from reporting_pages.formatting import count, month_name, plural, share


def rates(figures: Figures) -> Section:
    """Return the pass rates by month, by center and by module."""
    centers = [
        {center_name(figures, key[0]): rate for key, rate in rates_by_center.items()}
        for rates_by_center in (figures.rates[0], figures.rates_before[0])
    ]
    modules = [
        labelled(figures, rates_by_module)
        for rates_by_module in (figures.rates[1], figures.rates_before[1])
    ]
    content = [
        _rate_course(figures),
        _rate_by(figures, "Pass rate by center", "Center", *centers),
        _rate_by(figures, "Pass rate by module", "Module", *modules),
    ]
    says = (
        "Share of the visits checked in a month (with a pass-qc or not-pass-qc in it)"
        " whose latest check in that month passed."
    )
    return section("pass-rates", "Pass rates", content, says=says)


def _rate_course(figures: Figures) -> Markup:
    title = "Pass rate by month"
    rows = [
        {
            "label": tick(total.month, number),
            "value": total.rate,
            "shown": share(total.rate),
            "tip": (
                f"{month_name(total.month)}: {share(total.rate)} of"
                f" {plural(total.outcomes, 'visit')}"
            ),
        }
        for number, total in enumerate(figures.totals)
    ]
    known = [(total.rate, total) for total in figures.totals if total.rate is not None]
    caption = (
        "Share of the visits checked in the month whose latest check in it passed."
    )
    if not known:
        return figure(
            title,
            None,
            says="No visit was checked in these months.",
            caption=caption,
            wide=True,
        )
    low, high = (
        min(known, key=lambda pair: pair[0])[1],
        max(known, key=lambda pair: pair[0])[1],
    )
    behind = table(
        ["Month", "Pass rate", "Passed", "Checked"],
        [
            [
                month_name(total.month),
                share(total.rate),
                count(total.passed),
                count(total.outcomes),
            ]
            for total in figures.totals
        ],
        caption=title,
    )
    return figure(
        title,
        line(rows),
        says=(
            f"{title}: {share(figures.now.rate)} in {month_name(figures.month)};"
            f" between {share(low.rate)} ({month_name(low.month)}) and"
            f" {share(high.rate)} ({month_name(high.month)})."
        ),
        caption=caption,
        behind=behind,
        rows=len(figures.totals),
        wide=True,
    )


def _rate_by(
    figures: Figures,
    title: str,
    head: str,
    now: Mapping[str, Rate],
    before: Mapping[str, Rate],
) -> Markup:
    name, last = month_name(figures.month), figures.last
    if not now:
        return figure(
            title,
            None,
            says=f"No visit was checked in {name}.",
            caption=f"Visits checked in {name}.",
        )
    names = sorted(now, key=lambda name: (now[name].rate or 0, -now[name].visits, name))
    shown = names[:DRAWN]
    rows = [
        {
            "label": name,
            "value": now[name].rate,
            "shown": share(now[name].rate),
            "before": before[name].rate if name in before else None,
            "tip": (
                f"{name}: {share(now[name].rate)}, {count(now[name].passed)} of"
                f" {plural(now[name].visits, 'visit')}"
            ),
        }
        for name in shown
    ]
    ring = f" The ring shows {month_name(last.month)}." if last else ""
    heads = [
        head,
        "Pass rate",
        "Passed",
        "Checked",
        *([f"{month_name(last.month, short=True)}"] if last else []),
    ]
    body = [
        [name, share(now[name].rate), count(now[name].passed), count(now[name].visits),
         *([share(before[name].rate if name in before else None)] if last else [])]
        for name in names
    ]  # fmt: skip
    low, high = names[0], names[-1]
    ends = f", highest at {high}, {share(now[high].rate)}" if len(names) > 1 else ""
    return figure(
        title,
        dots(rows),
        says=f"{title}: lowest at {low}, {share(now[low].rate)}{ends}.",
        caption=(
            f"Visits checked in {name}, the lowest rate first.{ring}"
            f"{left_out(len(names), len(shown), f'{head.lower()}s')}"
        ),
        behind=table(heads, body, caption=f"{title}, {name}"),
        rows=len(names),
    )
