"""Section on the origin and the age of the page's numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reporting_event_log_checkpoint.monthly.scope import Scope
from reporting_event_log_checkpoint.monthly.statistics import Figures
from reporting_pages import Section, element, facts, section
from reporting_pages.formatting import ago, moment
from reporting_pages.runs import checks_card, last_run, made_with, runs_card

if TYPE_CHECKING:
    from reporting_framework import PageContext


def provenance(material: PageContext, figures: Figures, scope: Scope) -> Section:
    """Return the section on freshness and sources, the last of the page."""
    shown = element(
        "div",
        element("h3", "Freshness"),
        facts(
            [
                ("Newest event", _newest(material, figures)),
                *last_run(material.runs, material.at),
                ("Created", moment(material.at)),
            ]
        ),
        class_="card",
    )
    source_key = [
        ("Source", material.source or "not known"),
        ("Table", material.table or "not known"),
        *scope.facts(figures),
    ]
    where = element(
        "div",
        element("h3", "Sources"),
        facts([*source_key, *made_with(material.runs)]),
        class_="card",
    )
    return section(
        "sources",
        "Freshness and sources",
        [shown, where, checks_card(material.runs), runs_card(material.runs)],
    )


def _newest(material: PageContext, figures: Figures) -> str:
    if figures.newest is None:
        return "none"
    if figures.newest > material.at:
        return f"{moment(figures.newest)}, which is ahead of the clock"
    return (
        f"{moment(figures.newest)}, {ago(material.at - figures.newest)} before this"
        " page was created"
    )
