"""Cards on a report's history: its last runs, their checks and changes of columns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from markupsafe import Markup

from reporting_pages.formatting import ago, count, moment
from reporting_pages.markup import Content, element
from reporting_pages.tables import table

if TYPE_CHECKING:
    from reporting_framework.plugin_api.result import RunRecord

RUNS = 10
"""Number of runs that are listed."""


def last_run(runs: Sequence[RunRecord], at: datetime) -> list[tuple[str, Content]]:
    """Return facts on the last run: time, status, and changes of the source's columns.

    Args:
        runs: The runs, newest first.
        at: Time at which the page is rendered.
    """
    if not runs:
        return [("Last run", "not known: this report keeps no history of runs")]
    last = runs[0]
    how = {
        "ok": "ok",
        "partial": "partial: the next run continues",
        "failed": "failed",
    }[last.status]
    text = (
        f"{moment(last.finished_at)}, {ago(at - last.finished_at)} before this"
        " page was created"
    )
    columns = ", ".join(f"{item.column} {item.change}" for item in last.schema_changes)
    return [
        ("Last run", text),
        ("Its status", f"{how} ({last.error})" if last.error else how),
        *[("Columns of the source", columns)] * bool(columns),
    ]


def made_with(runs: Sequence[RunRecord]) -> list[tuple[str, Content]]:
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


def checks_card(runs: Sequence[RunRecord]) -> Markup | None:
    """Return the checks of the last run that had any; `None` if none had."""
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


def runs_card(runs: Sequence[RunRecord]) -> Markup | None:
    """Return the last runs with their counts; `None` if there are none."""
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
