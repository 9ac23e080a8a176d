"""Section on the origin and the age of the page's numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from reporting_event_log_checkpoint.monthly.scope import Scope
from reporting_event_log_checkpoint.monthly.statistics import Figures
from reporting_pages import Content, Markup, Section, element, facts, section, table
from reporting_pages.formatting import ago, count, moment

if TYPE_CHECKING:
    from reporting_framework import PageContext
    from reporting_framework.plugin_api.result import RunRecord

RUNS = 10
"""Number of runs that are listed."""


def provenance(material: PageContext, figures: Figures, scope: Scope) -> Section:
    """Return the section on freshness and sources, the last of the page."""
    shown = element(
        "div",
        element("h3", "Freshness"),
        facts(
            [
                ("Newest event", _newest(material, figures)),
                *_last_run(material),
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
    made_with = _made_with(material.runs)
    where = element(
        "div", element("h3", "Sources"), facts([*source_key, *made_with]), class_="card"
    )
    return section(
        "sources",
        "Freshness and sources",
        [shown, where, _checks(material.runs), _runs(material.runs)],
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


def _last_run(material: PageContext) -> list[tuple[str, Content]]:
    if not material.runs:
        return [("Last run", "not known: this report keeps no history of runs")]
    last = material.runs[0]
    how = {
        "ok": "ok",
        "partial": "partial: the next run continues",
        "failed": "failed",
    }[last.status]
    text = (
        f"{moment(last.finished_at)}, {ago(material.at - last.finished_at)} before this"
        " page was created"
    )
    columns = ", ".join(f"{item.column} {item.change}" for item in last.schema_changes)
    return [
        ("Last run", text),
        ("Its status", f"{how} ({last.error})" if last.error else how),
        *[("Columns of the source", columns)] * bool(columns),
    ]


def _made_with(runs: Sequence[RunRecord]) -> list[tuple[str, Content]]:
    """Return the plugins of the last run with their versions."""
    if not runs:
        return []
    last = runs[0]
    facts: list[tuple[str, Content]] = (
        [("Framework", last.framework)] if last.framework else []
    )
    return facts + [
        (step.role.capitalize(), f"{step.name} ({step.distribution} {step.version})")
        for step in last.steps
        if step.role != "engine"
    ]


def _checks(runs: Sequence[RunRecord]) -> Markup | None:
    """Return the checks of the last run that had any."""
    last = next((run for run in runs if run.checks), None)
    if last is None:
        return None
    verdicts = {True: "passed", False: "failed", None: "not judged"}
    body = [
        [
            outcome.name,
            "table" if outcome.over == "table" else "rows of the run",
            outcome.severity,
            verdicts[outcome.passed],
            outcome.problem,
        ]
        for outcome in last.checks
    ]
    return element(
        "div",
        element("h3", "Checks"),
        element("p", f"Checks of the run of {last.started_at:%Y-%m-%d %H:%M} UTC."),
        table(
            ["Check", "Of", "Severity", "Outcome", "Why"],
            body,
            caption="Checks of the last run",
            numbers=(),
        ),
        class_="card wide scroll",
    )


def _runs(runs: Sequence[RunRecord]) -> Markup | None:
    if not runs:
        return None
    heads = [
        "Started (UTC)",
        "Status",
        "Read",
        "Accepted",
        "Rejected",
        "Filtered",
        "Duplicates",
        "Unread",
        "Remaining",
    ]
    body = [
        [
            f"{run.started_at:%Y-%m-%d %H:%M}",
            f"{run.status}, replay" if run.replay else run.status,
            *(
                count(number)
                for number in (
                    run.records_read,
                    run.accepted,
                    run.rejected,
                    run.filtered,
                    run.duplicates,
                    run.objects_unread,
                    run.remaining,
                )
            ),
        ]
        for run in runs[:RUNS]
    ]
    return element(
        "div",
        element("h3", "Last runs"),
        element(
            "p",
            "Records read are the sum of accepted, rejected, filtered and duplicate"
            " records.",
        ),
        table(
            heads,
            body,
            caption="Last runs, newest first",
            numbers=range(2, len(heads)),
        ),
        class_="card wide scroll",
    )
