"""Section on failed checks."""

from __future__ import annotations

from reporting_event_log_checkpoint.monthly.counts import course, ranked
from reporting_event_log_checkpoint.monthly.naming import center_name
from reporting_event_log_checkpoint.monthly.statistics import Figures
from reporting_pages import Section, section
from reporting_pages.formatting import month_name
from reporting_pages.theme import ALARM


def errors(figures: Figures) -> Section:
    """Return the failed checks by month and by center."""
    name = month_name(figures.month)
    now, before = (
        {center_name(figures, center): number for center, number in counts.items()}
        for counts in figures.errors
    )
    content = [
        course(
            figures,
            "Failed checks by month",
            "failures",
            "failed check",
            "Events with the action not-pass-qc in each month.",
            color=ALARM,
            beside=_chart_rows(figures),
        ),
        ranked(
            figures,
            "Failed checks by center",
            "Center",
            now,
            before,
            f"Events with the action not-pass-qc in {name}.",
            f"No check failed in {name}.",
            color=ALARM,
            one="failed check",
        ),
    ]
    says = (
        "A visit that fails twice counts twice; a later pass or delete does not reduce"
        " the count."
    )
    return section("failed-checks", "Failed checks", content, says=says)


def _chart_rows(figures: Figures) -> int:
    """Return the number of rows of the chart next to the failed checks by month."""
    return min(len({*figures.errors[0], *figures.errors[1]}), 12)
