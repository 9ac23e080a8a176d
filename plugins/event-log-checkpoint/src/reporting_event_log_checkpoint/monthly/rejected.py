"""Section on rejected records."""

from __future__ import annotations

from reporting_event_log_checkpoint.monthly.statistics import Figures
from reporting_pages import Section, element, section, table
from reporting_pages.formatting import count, month_name, plural


def rejected(figures: Figures, *, whole: bool) -> Section:
    """Return the records in quarantine by reason.

    Args:
        figures: Numbers of the page.
        whole: True if the page is about all studies and centers.
    """
    name, counts = month_name(figures.month), figures.rejected
    says = (
        "Rejected records stay in quarantine until their object changes, or until they"
        " are replayed or discarded. Quarantine has source key and reason, never"
        " values."
    )
    if not whole:
        says += " Quarantine has no study or center either, so all records are counted."
    if counts is None:
        none = element("p", "This report keeps no quarantine.", class_="empty")
        return section("rejected", "Rejected records", none, says=says)
    reasons = {key: numbers for key, numbers in counts.items() if key[0] != "filtered"}
    filtered = [numbers for key, numbers in counts.items() if key[0] == "filtered"]
    body = [
        [kind, field or "(whole record)", count(in_month), count(every)]
        for (kind, field), (in_month, every) in reasons.items()
    ]
    total = (
        sum(in_month for in_month, _ in reasons.values()),
        sum(every for _, every in reasons.values()),
    )
    left_out = sum(every for _, every in filtered)
    aside = (
        f"{plural(left_out, 'record')} {'was' if left_out == 1 else 'were'} filtered"
        f" out on purpose, {count(sum(in_month for in_month, _ in filtered))} of"
        f" them by runs in {name}."
        if left_out
        else "No record was filtered out on purpose."
    )
    lead = (
        f"{plural(total[1], 'record')} {'is' if total[1] == 1 else 'are'} in"
        f" quarantine, {count(total[0])} of them from runs in {name}. {aside}"
    )
    shown = table(
        [
            "Reason",
            "Field",
            f"By runs in {month_name(figures.month, short=True)}",
            "Total",
        ],
        body,
        caption="Rejected records by reason",
        numbers=[2, 3],
        empty="Quarantine has no rejected record.",
    )
    card = element(
        "div", element("h3", "By reason"), element("p", lead), shown, class_="card wide"
    )
    return section("rejected", "Rejected records", card, says=says)
