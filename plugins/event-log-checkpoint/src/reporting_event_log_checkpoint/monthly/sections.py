"""Whole page ``monthly-visits``: headline numbers, sections in order, small print."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reporting_event_log_checkpoint.monthly.errors import errors
from reporting_event_log_checkpoint.monthly.pending_visits import waiting
from reporting_event_log_checkpoint.monthly.provenance import provenance
from reporting_event_log_checkpoint.monthly.rates import rates
from reporting_event_log_checkpoint.monthly.rejected import rejected
from reporting_event_log_checkpoint.monthly.scope import Scope
from reporting_event_log_checkpoint.monthly.statistics import Figures
from reporting_event_log_checkpoint.monthly.times import times
from reporting_event_log_checkpoint.monthly.volumes import volumes
from reporting_pages import Content, Markup, Tile, document, element, tiles
from reporting_pages.formatting import (
    change,
    count,
    moment,
    month_name,
    plural,
    points,
    share,
)

if TYPE_CHECKING:
    from reporting_framework import PageContext


def page_of(
    material: PageContext, figures: Figures, scope: Scope, *, identifiers: bool
) -> str:
    """Return the page."""
    what = scope.title(figures)
    parts = [
        volumes(figures),
        rates(figures),
        times(figures),
        errors(figures),
        waiting(figures, identifiers=identifiers),
        rejected(figures, whole=not any(scope)),
        provenance(material, figures, scope),
    ]
    return document(
        f"Visits{what} in {month_name(figures.month)}",
        parts,
        eyebrow=f"{material.report} · monthly report",
        lead=_lead(figures, what),
        above=_tiles(figures),
        footer=_footer(material, figures),
    )


def _lead(figures: Figures, what: str) -> str:
    now, last = figures.now, figures.last
    if not now.events:
        return f"There is no event{what} in {month_name(figures.month)}."
    centers = len({key[0] for key in figures.submitted})
    text = f"{plural(now.submitted, 'visit')} submitted at {plural(centers, 'center')}"
    if not now.submitted:
        text = "No visit was submitted"
    elif last:
        text += f", {_compared(now.submitted, last.submitted)} {month_name(last.month)}"
    rate = (
        f"{share(now.rate)} of the visits checked passed"
        if now.outcomes
        else "No visit was checked"
    )
    waiting = now.waiting
    left = (
        f"{plural(waiting, 'visit')} {'waits' if waiting == 1 else 'wait'} for a pass"
        if waiting
        else "No visit waits"
    )
    return f"{text}. {rate}. {left}."


def _compared(now: int, before: int) -> str:
    if now == before:
        return "as many as in"
    return f"{count(abs(now - before))} {'more' if now > before else 'fewer'} than in"


def _tiles(figures: Figures) -> Markup:
    now, last = figures.now, figures.last
    against = f"from {month_name(last.month, short=True)}" if last else ""

    def tile(name: str, value: str, field: str, says: str) -> Tile:
        numbers = [getattr(total, field) for total in figures.totals]
        step = (
            (points if field == "rate" else change)(numbers[-1], numbers[-2])
            if last
            else None
        )
        return Tile(name, value, step, says, numbers, against)

    of = (
        f"of {plural(now.outcomes, 'visit')} with an outcome"
        if now.outcomes
        else "No visit has an outcome"
    )
    return tiles(
        [
            tile(
                "Visits submitted",
                count(now.submitted),
                "submitted",
                "Visits with a submit in the month.",
            ),
            tile(
                "Visits passed",
                count(now.passed),
                "passed",
                "Visits whose latest check in the month passed.",
            ),
            tile(
                "Pass rate",
                share(now.rate),
                "rate",
                f"Visits passed {of} (a pass or a fail) in the month."
                if now.outcomes
                else "No visit was checked in the month.",
            ),
            tile(
                "Failed checks",
                count(now.failures),
                "failures",
                "A visit that fails twice counts twice.",
            ),
            tile(
                "Waiting for a pass",
                count(now.waiting),
                "waiting",
                "Visits with a submit and without a pass, not deleted, at the end of"
                " the month or now.",
            ),
            tile(
                "Events",
                count(now.events),
                "events",
                "Events of all actions, including deletes.",
            ),
        ]
    )


def _footer(material: PageContext, figures: Figures) -> Content:
    until = "" if figures.end < material.at else " so far"
    return [
        element(
            "p",
            f"Created on {moment(material.at)} from the table of {material.report}."
            " Months are by event timestamp, in UTC; events after"
            f" {month_name(figures.month)} are left out{until}.",
        ),
        element(
            "p",
            "Each number comes from a query: volumes, pass-rate, qc-timing,"
            f" monthly-errors or completeness; “reporting query {material.report}"
            " pass-rate --help” shows its definition.",
        ),
        element(
            "p",
            "This file is self-contained and loads nothing. It may contain"
            " identifiers of participants: protect it like the table.",
        ),
    ]
