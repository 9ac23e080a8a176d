"""``reporting trace REPORT``: where a row came from, or why a record is not there."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from reporting_framework._text.messages import redacted
from reporting_framework.cli.actions import common_options
from reporting_framework.cli.context import state_of
from reporting_framework.cli.failures import (
    DONE,
    NOT_FOUND,
    escape_control_chars,
    write,
)
from reporting_framework.cli.interrupts import interruptible
from reporting_framework.cli.options import limit_option
from reporting_framework.cli.query import conditions
from reporting_framework.cli.run import ReportCommands

if TYPE_CHECKING:
    from reporting_framework.operations.trace import (
        LoadEvent,
        Now,
        ProvenanceResult,
        QuarantineMatch,
        RowProvenance,
    )

_NOW: Mapping[Now, str] = {
    "unchanged": "the object is there, unchanged",
    "changed since": "the object has changed since",
    "there": "the object is there",
    "gone": "",
    "denied": "the object may not be looked at",
}


def trace_options() -> list[click.Parameter]:
    """The options that every report has here."""
    return [
        click.Argument(["key"], required=False, nargs=-1),
        click.Option(
            ["--where"],
            multiple=True,
            metavar="COLUMN=VALUE",
            help=(
                "The rows with this value; nothing behind the = is null. Repeatable:"
                " values of one column are alternatives, several columns must all fit."
            ),
        ),
        click.Option(
            ["--source-key"],
            metavar="KEY",
            help=(
                "The record of this source key (as in column source_key), or all those"
                " of an object, also by its URI or by the path of its file."
            ),
        ),
        click.Option(
            ["--check/--no-check"],
            default=True,
            help="Look whether each object is still there, as it was.  [default: look]",
        ),
        limit_option("Trace this many rows at the most."),
        *common_options("text", "json"),
    ]


def print_trace(
    context: click.Context, name: str, given: dict[str, Any], generic: dict[str, Any]
) -> int:
    """Print where rows came from.

    No value is shown but those of the columns in ``--where``.
    """
    where, keys = conditions(generic["where"], context), generic["key"]
    if len(keys) > 1:
        raise click.UsageError(
            f"give one KEY, not {len(keys)}; if the shell made them of a glob, quote it"
            f" and give it to reporting quarantine {name} show --source-key, or find"
            " rows by --where",
            context,
        )
    source_key = keys[0] if keys else generic["source_key"]
    if source_key == "":
        raise click.UsageError("KEY is empty; give the source key of a record", context)
    if bool(where) + bool(keys) + bool(generic["source_key"]) != 1:
        raise click.UsageError(
            "give --where COLUMN=VALUE, or KEY, and not both", context
        )
    from reporting_framework.cli.logs import logs_on_stderr
    from reporting_framework.operations.trace import ProvenanceReader
    from reporting_framework.query.filters import RowFilter

    state = state_of(context)
    with logs_on_stderr(state.registry.packages, verbose=generic["verbose"]):
        composition = state.pipeline_spec(name, given, generic["set"])
        tracer = ProvenanceReader(
            name, composition, state.registry, check=generic["check"]
        )
        limit = generic["limit"]
        provenance = interruptible(
            lambda: (
                tracer.source_key(source_key, limit)
                if source_key
                else tracer.rows(RowFilter(where), limit)
            )
        )
    if generic["format"] == "json":
        write(json.dumps(_plain(provenance), indent=2, ensure_ascii=False))
    else:
        lines = _provenance_lines(name, provenance, source_key)
        write("\n".join(lines))
    return NOT_FOUND if provenance.nothing else DONE


def _plain(thing: Any) -> Any:
    """JSON types; named tuples by their names."""
    if hasattr(thing, "_asdict"):
        return {name: _plain(value) for name, value in thing._asdict().items()}
    if isinstance(thing, datetime):
        from reporting_framework._text.messages import utc_text

        return utc_text(thing) if thing.tzinfo else thing.isoformat()
    if isinstance(thing, Mapping):
        return {str(name): _plain(value) for name, value in thing.items()}
    if isinstance(thing, Sequence) and not isinstance(thing, str):
        return [_plain(item) for item in thing]
    return (
        thing
        if thing is None or isinstance(thing, bool | int | float | str)
        else str(thing)
    )


def _provenance_lines(
    report: str, provenance: ProvenanceResult, source_key: str | None
) -> list[str]:
    lines = [
        line
        for row in provenance.rows
        for line in _row(row, history=provenance.history)
    ]
    lines += [line for record in provenance.aside for line in _rejection_lines(record)]
    if provenance.more:
        lines.append(f"and {provenance.more:,} more rows (--limit shows more of them)")
    if not provenance.nothing:
        return lines
    if source_key is None:
        return [
            "no row of the table is like that; reporting quarantine lists what was"
            " turned away, --source-key traces it"
        ]
    known = [
        *(("announced by", _run(load)) for load in provenance.announced),
        *_now(
            provenance.now,
            "there is no such object; give its name below the source, its URI, or the"
            " path of its file",
        ),
    ]
    if provenance.absence:
        known.append(("why", f"{provenance.absence.reason}: {provenance.absence.text}"))
    elif re.search(r"[*?\[]", source_key):
        known.append(
            (
                "try",
                (
                    f"--where to find rows, or reporting quarantine {report} show"
                    " --source-key to find rejected records by a glob: trace takes one"
                    " name"
                ),
            )
        )
    return _block(
        f"{redacted(source_key)}: neither in the table nor in quarantine", known
    )


def _row(row: RowProvenance, *, history: bool) -> list[str]:
    known = [
        (
            "row",
            ", ".join(
                f"{name}={'(null)' if value is None else value}"
                for name, value in row.values.items()
            ),
        )
    ]
    for number, run in enumerate(row.runs):
        known.append(("or by" if number else "brought by", _run(run)))
        known += [("  version", run.version)] if run.version else []
        plugin = f" of {run.plugin}" if run.plugin else ""
        known.append(("  validator", f"{run.validator}{plugin}"))
    if not row.runs:
        reason = (
            "it was taken before there was a history"
            if history
            else "none of the report's sinks keeps a history"
        )
        known.append(("brought by", f"an unknown run: {reason}"))
    return _block(
        f"{row.uri or row.source_key}{_line(row.source_key, row.uri)}",
        [*known, *_now(row.now)],
    )


def _rejection_lines(record: QuarantineMatch) -> list[str]:
    where = f" in {record.field}" if record.field else ""
    known = [
        ("in quarantine", f"{record.error_type}{where}"),
        ("by run", f"{record.run_id}, {record.at:%Y-%m-%d %H:%M:%S} UTC"),
        *([("version", record.version)] if record.version else []),
    ]
    return _block(
        f"{record.uri or record.source_key}{_line(record.source_key, record.uri)}",
        [*known, *_now(record.now)],
    )


def _run(run: LoadEvent) -> str:
    ended = {
        "failed": "which failed",
        None: "of which there is no record (let go of, or killed)",
    }
    return (
        f"run {run.run_id}, {run.at:%Y-%m-%d %H:%M:%S} UTC,"
        f" {ended.get(run.status, run.status)}"
    )


def _line(source_key: str, uri: str | None) -> str:
    from reporting_framework.plugin_api.records import object_of

    number = source_key[len(object_of(source_key)) + 1 :]
    return f", line {number}" if uri and number else ""


def _now(now: Now, gone: str = "the object is gone") -> list[tuple[str, str]]:
    return [("now", gone if now == "gone" else _NOW[now])] if now in _NOW else []


def _block(title: str, rows: Sequence[tuple[str, str]]) -> list[str]:
    """A title and what is known, each on a line of its own."""
    return [
        escape_control_chars(title),
        *(
            f"  {label:<13} {escape_control_chars(text)}"
            for label, text in rows
            if text
        ),
    ]


trace_command = ReportCommands(
    "trace",
    help="""Trace where a row came from, or why a record is not there.

    Of each row that --where finds: its object, the version that was read, the run and
    the validator that brought it, and whether the object is still the same. Of a record
    that --source-key names: the same, or why it was turned away.
    """,
    subcommand_metavar="REPORT [OPTIONS]...",
    work=print_trace,
    options=trace_options,
)
