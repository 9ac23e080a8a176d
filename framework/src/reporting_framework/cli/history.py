"""``reporting history REPORT``: the last runs of a report."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from reporting_framework.cli.actions import common_options, pipeline_of
from reporting_framework.cli.context import state_of
from reporting_framework.cli.exit_codes import DONE
from reporting_framework.cli.failures import write
from reporting_framework.cli.options import limit_option
from reporting_framework.cli.run import ReportCommands

if TYPE_CHECKING:
    from reporting_framework.plugin_api.result import RunRecord

SHORT = 8
"""Characters of a run's id in a table."""

COLUMNS = (
    "started (UTC)",
    "status",
    "read",
    "accepted",
    "rejected",
    "unread",
    "seconds",
    "run",
    "versions",
)


def history_options() -> list[click.Parameter]:
    """Return the options that the command has for every report."""
    return [
        limit_option("Show at most this many runs."),
        *common_options("table", "json"),
    ]


def print_history(
    context: click.Context, name: str, given: dict[str, Any], generic: dict[str, Any]
) -> int:
    """Print the records of the report's last runs, newest first."""
    from reporting_framework.cli.logs import logs_on_stderr
    from reporting_framework.operations.history import runs_of

    with logs_on_stderr(
        state_of(context).registry.packages, verbose=generic["verbose"]
    ):
        records = runs_of(pipeline_of(context, name, given, generic["set"]))[
            : generic["limit"]
        ]
    if not records:
        click.echo("the history has no run yet; run the report first", err=True)
    if generic["format"] == "json":
        write(
            json.dumps([record.model_dump(mode="json") for record in records], indent=2)
        )
    elif records:
        from reporting_framework.cli.tables import listing

        upserts = any(record.inserted is not None for record in records)
        checks = any(record.checks for record in records)
        schemas = any(record.schema_changes for record in records)
        columns = [*COLUMNS, *["changes"] * upserts]
        columns += [*["checks"] * checks, *["source columns"] * schemas]
        cells = [
            [
                *_cells(record, upserts),
                *[_checks(record)] * checks,
                *[_schema(record)] * schemas,
            ]
            for record in records
        ]
        write(listing(columns, cells))
    return DONE


def _cells(record: RunRecord, upserts: bool) -> list[str]:
    numbers = (
        record.records_read,
        record.accepted,
        record.rejected,
        record.objects_unread,
    )
    return [
        f"{record.started_at:%Y-%m-%d %H:%M:%S}",
        status_of(record),
        *(f"{number:,}" for number in numbers),
        f"{(record.finished_at - record.started_at).total_seconds():.2f}",
        record.run_id[:SHORT],
        ", ".join(versions_of(record)),
        *[_changes(record)] * upserts,
    ]


def _changes(record: RunRecord) -> str:
    """Describe the changes of a run to a table, with ``upsert``."""
    counts = ("inserted", "updated", "unchanged", "deleted")
    numbers = {name: getattr(record, name) for name in counts}
    return ", ".join(f"{number:,} {name}" for name, number in numbers.items() if number)


def _checks(record: RunRecord) -> str:
    """Name the checks that failed, or say how many passed."""
    failed = [outcome for outcome in record.checks if outcome.failed]
    if failed:
        names = [f"{each.name} ({each.severity})" for each in failed]
        return f"failed: {', '.join(names)}"
    passed = sum(outcome.passed is True for outcome in record.checks)
    return f"{passed} passed" if passed else ""


def _schema(record: RunRecord) -> str:
    """Name the columns of the source that appeared, vanished or changed."""
    signs = {"added": "+", "removed": "-", "retyped": "~"}
    return " ".join(
        f"{signs[each.change]}{each.column}" for each in record.schema_changes
    )


def _why_incomplete(record: RunRecord) -> str:
    return (
        "not all pages read"
        if record.cut_short
        else "stopped at the deadline or a limit"
    )


def status_of(record: RunRecord) -> str:
    """Describe the end of a run in a few words."""
    more = [
        record.error or "",
        "" if record.complete or record.error else _why_incomplete(record),
        "replay" if record.replay else "",
    ]
    return " ".join(
        filter(
            None,
            (
                record.status,
                ", ".join(filter(None, more)) and f"({', '.join(filter(None, more))})",
            ),
        )
    )


def versions_of(record: RunRecord) -> list[str]:
    """Return the distributions whose plugins a run used, the framework first."""
    steps = sorted(
        {f"{step.distribution} {step.version}".rstrip() for step in record.steps}
    )
    framework = f"reporting-framework {record.framework}" if record.framework else ""
    return list(dict.fromkeys(filter(None, [framework, *steps])))


history_command = ReportCommands(
    "history",
    help="""Show the last runs of a report, newest first.""",
    subcommand_metavar="REPORT [OPTIONS]...",
    work=print_history,
    options=history_options,
)
