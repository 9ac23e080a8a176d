"""``reporting compact REPORT``: merge the small files of a report's outputs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from reporting_framework._text.messages import redacted
from reporting_framework.cli.actions import common_options, pipeline_of
from reporting_framework.cli.context import state_of
from reporting_framework.cli.exit_codes import DONE
from reporting_framework.cli.failures import note
from reporting_framework.cli.run import ReportCommands

if TYPE_CHECKING:
    from reporting_framework.operations.compaction import Compacted


def compact_options() -> list[click.Parameter]:
    """Return the options that the command has for every report."""
    return common_options("text", "json")


def compact_report(
    context: click.Context, name: str, given: dict[str, Any], generic: dict[str, Any]
) -> int:
    """Merge small files, and print how many there were and are."""
    from reporting_framework.cli.logs import logs_on_stderr
    from reporting_framework.operations.compaction import compact

    with logs_on_stderr(
        state_of(context).registry.packages, verbose=generic["verbose"]
    ):
        done = compact(pipeline_of(context, name, given, generic["set"]))
    if generic["format"] == "json":
        note(json.dumps({"report": name, "outputs": _as_json(done)}))
        return DONE
    for sink, result in done:
        if result is None:
            note(f"{name}: sink {sink} has no files to merge")
        elif result.before == result.after:
            note(f"{name}: {redacted(result.uri)}: {_files(result.after)}, unchanged")
        else:
            note(
                f"{name}: {redacted(result.uri)}: {_files(result.before)} merged into"
                f" {result.after:,}"
            )
    return DONE


def _as_json(done: Sequence[Compacted]) -> list[dict[str, Any]]:
    return [
        {
            "sink": sink,
            "uri": redacted(result.uri),
            "files_before": result.before,
            "files_after": result.after,
        }
        for sink, result in done
        if result is not None
    ]


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count:,} files"


compact_command = ReportCommands(
    "compact",
    help="""Merge small files of a report's outputs into few files.

    No row changes. Runs may go on meanwhile; a killed compaction leaves the table as it
    was, and a second one changes nothing.
    """,
    subcommand_metavar="REPORT [OPTIONS]...",
    work=compact_report,
    options=compact_options,
)
