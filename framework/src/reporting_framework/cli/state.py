"""``reporting state REPORT``: show or reset everything that a report stores."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from reporting_framework._text.messages import redacted, utc_text
from reporting_framework.cli.actions import (
    Action,
    ReportActions,
    common_options,
    pipeline_of,
    prompted,
)
from reporting_framework.cli.context import state_of
from reporting_framework.cli.execute import with_words
from reporting_framework.cli.exit_codes import DONE
from reporting_framework.cli.failures import escape_control_chars, note, write

if TYPE_CHECKING:
    from reporting_framework.execution.pipeline import Pipeline
    from reporting_framework.operations.state import ReportState, Reset
    from reporting_framework.plugin_api.records import StoredArtifact
    from reporting_framework.plugin_api.result import RunRecord


def show_options() -> list[click.Parameter]:
    """Return the options of ``show``."""
    return common_options("table", "json")


def reset_options() -> list[click.Parameter]:
    """Return the options of ``reset``."""
    return [
        click.Option(
            ["--only"],
            type=click.Choice(["all", "quarantine", "hints"]),
            default="all",
            show_default=True,
            help="Part to reset; the quarantine includes the hints.",
        ),
        click.Option(["--yes"], is_flag=True, help="Do not ask for confirmation."),
        *common_options(),
    ]


def show_state(
    context: click.Context, name: str, given: dict[str, Any], generic: dict[str, Any]
) -> int:
    """Print everything that the report stores."""
    from reporting_framework.cli.logs import logs_on_stderr
    from reporting_framework.operations.state import stored

    with logs_on_stderr(
        state_of(context).registry.packages, verbose=generic["verbose"]
    ):
        pipeline = pipeline_of(context, name, given, generic["set"])
        pipeline = with_words(pipeline, context, given, generic)
        report_state = stored(pipeline)
    if generic["format"] == "json":
        write(_as_json(report_state))
    else:
        write(_as_table(name, report_state, pipeline.command("state", "reset")))
    return DONE


def _as_json(report_state: ReportState) -> str:
    document = {
        "stored_artifacts": [
            {**artifact._asdict(), "uri": redacted(artifact.uri)}
            for artifact in report_state.stored_artifacts
        ],
        "sinks_that_tell_nothing": list(report_state.silent),
        "hints": list(report_state.hints),
        "unfinished_resets": list(report_state.unfinished),
        "last_run": report_state.last.model_dump(mode="json")
        if report_state.last
        else None,
    }
    return json.dumps(document, indent=2, ensure_ascii=False, default=utc_text)


def _as_table(name: str, report_state: ReportState, reset: str) -> str:
    from reporting_framework.cli.tables import table

    rows: list[tuple[str, str]] = [
        (artifact.kind, _describe(artifact))
        for artifact in report_state.stored_artifacts
    ]
    if (
        not any(artifact.kind == "output" for artifact in report_state.stored_artifacts)
        and not report_state.silent
    ):
        rows.insert(0, ("output", "nothing yet: no run has stored a row"))
    rows += [
        (sink, "this sink does not list what it stores") for sink in report_state.silent
    ]
    rows += [
        ("reset", f"{line}; the list may be incomplete: {reset}")
        for line in report_state.unfinished
    ]
    if not report_state.metadata:
        from reporting_framework.execution.pipeline import NO_METADATA

        rows.append(("metadata", NO_METADATA))
    rows += [("next run", line) for line in report_state.hints]
    if report_state.last is not None:
        rows.append(("last run", _last(report_state.last)))
    return "\n".join(
        table(
            escape_control_chars(name),
            [(label, escape_control_chars(value)) for label, value in rows],
        )
    )


def _describe(artifact: StoredArtifact) -> str:
    unknown = {
        "output": "cannot be read as a table",
        "quarantine": "cannot be read",
    }.get(artifact.kind)
    rows = f"{artifact.rows:,} rows" if artifact.rows is not None else unknown
    parts = [
        rows,
        (
            f"{artifact.bytes:,} bytes"
            if artifact.bytes is not None and artifact.kind not in ("lock", "hints")
            else None
        ),
        f"newest {_at(artifact.newest)}" if artifact.newest else None,
        f"written {_at(artifact.modified)}" if artifact.modified else None,
        f"version {artifact.version}"
        if artifact.version and artifact.kind == "output"
        else None,
    ]
    return f"{redacted(artifact.uri)}: {', '.join(part for part in parts if part)}"


def _at(moment: datetime) -> str:
    return utc_text(moment, " ", "seconds")


def _last(run: RunRecord) -> str:
    what = "replay" if run.replay else "run"
    return (
        f"{what} {run.run_id}: {run.status}{'' if run.complete else ', not complete'},"
        f" ended {_at(run.finished_at)}, read {run.records_read:,},"
        f" accepted {run.accepted:,}, rejected {run.rejected:,}"
    )


def reset(
    context: click.Context, name: str, given: dict[str, Any], generic: dict[str, Any]
) -> int:
    """Move what the report stores to a backup, after confirmation."""
    from reporting_framework.cli.logs import logs_on_stderr
    from reporting_framework.execution.pipeline import prepared
    from reporting_framework.operations.state import Reset

    with logs_on_stderr(
        state_of(context).registry.packages, verbose=generic["verbose"]
    ):
        pipeline = pipeline_of(context, name, given, generic["set"])
        pipeline = with_words(pipeline, context, given, generic)
        with prepared(pipeline):
            if not _finish_reset(context, name, pipeline, generic):
                return DONE
            work = Reset(pipeline, generic["only"])
            if not work.artifacts:
                write("nothing to reset: the report has stored nothing")
                return DONE
            for artifact in work.artifacts:
                click.echo(
                    escape_control_chars(f"  {artifact.kind}  {_describe(artifact)}"),
                    err=True,
                )
            for sink in work.silent:
                click.echo(
                    f"warning: sink {sink}: not reset, it keeps its rows", err=True
                )
            question = f"reset all this? {work.effect}; type {name} to confirm"
            if not generic["yes"] and prompted(question, context) != name:
                write("nothing was changed")
                return DONE
            stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
            _print_copies(work, work.back_up(stamp))
            work.remove()
    note(f"removed the originals; {work.effect}")
    return DONE


def _finish_reset(
    context: click.Context, name: str, pipeline: Pipeline, generic: dict[str, Any]
) -> bool:
    """Finish a killed reset, after confirmation; return true if none is left."""
    from reporting_framework.operations.state import finish_resets, unfinished_resets

    if not (unfinished := unfinished_resets(pipeline)):
        return True
    for reset in unfinished:
        click.echo(escape_control_chars(f"  {reset}"), err=True)
    question = (
        "finish this reset, if no other process does? Its copies are in _backup."
        f" Type {name} to confirm"
    )
    if not generic["yes"] and prompted(question, context) != name:
        write("nothing was changed")
        return False
    finish_resets(pipeline)
    note("finished the interrupted reset")
    return True


def _print_copies(work: Reset, copies: Sequence[tuple[StoredArtifact, str]]) -> None:
    """Print the place of each copy and the commands that restore it.

    They are printed before anything is removed.
    """
    write("copied and compared:")
    for uri, copy in copies:
        write(escape_control_chars(f"  {uri.uri} -> {copy}"))
    write("to restore, while no run is active:")
    for uri, copy in copies:
        for line in work.restore_command(uri, copy).splitlines():
            write(f"  {escape_control_chars(line)}")


ACTIONS = {
    "show": Action(
        "Show everything that the report stores: outputs, quarantine, next listing,"
        " last run, locks.",
        show_state,
        show_options,
    ),
    "reset": Action(
        "Reset the report, so that it starts from scratch. Outputs, quarantine and"
        " hints are copied to _backup next to them, and removed once all copies are"
        " complete.",
        reset,
        reset_options,
    ),
}
"""Actions on everything that a report stores."""


state_command = ReportActions(
    "state",
    help="""Show or reset everything that a report stores.

    REPORT --help shows the actions, REPORT ACTION --help the options of an action.
    """,
    subcommand_metavar="REPORT [ACTION] [OPTIONS]...",
    actions=ACTIONS,
)
