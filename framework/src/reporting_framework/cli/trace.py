"""``reporting trace REPORT``: origin of a row, or the reason a record is missing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from reporting_framework._text.messages import redacted, utc_text
from reporting_framework.cli.actions import common_options
from reporting_framework.cli.context import state_of
from reporting_framework.cli.exit_codes import DONE, NOT_FOUND
from reporting_framework.cli.failures import escape_control_chars, write
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
    "unchanged": "the object is unchanged",
    "changed since": "the object has changed since",
    "there": "the object exists",
    "gone": "",
    "denied": "access to the object is denied",
}


def trace_options() -> list[click.Parameter]:
    """Return the options that the command has for every report."""
    return [
        click.Argument(["key"], required=False, nargs=-1),
        click.Option(
            ["--where"],
            multiple=True,
            metavar="COLUMN=VALUE",
            help=(
                "Trace rows with this value; COLUMN= selects null. Repeatable: values"
                " of one column are alternatives, different columns must all match."
            ),
        ),
        click.Option(
            ["--source-key"],
            metavar="KEY",
            help=(
                "Trace the record of this source key (as in column source_key), or all"
                " records of an object, given by its URI or the path of its file."
            ),
        ),
        click.Option(
            ["--check/--no-check"],
            default=True,
            help="Check that each object still exists unchanged.  [default: check]",
        ),
        limit_option("Trace at most this many rows."),
        *common_options("text", "json"),
    ]


def print_trace(
    context: click.Context, name: str, given: dict[str, Any], generic: dict[str, Any]
) -> int:
    """Print the origin of rows.

    Only values of the columns in ``--where`` are shown.
    """
    where, keys = conditions(generic["where"], context), generic["key"]
    if len(keys) > 1:
        raise click.UsageError(
            f"expected one KEY, got {len(keys)}; if the shell expanded a glob, quote it"
            f" and pass it to reporting quarantine {name} show --source-key, or find"
            " rows with --where",
            context,
        )
    source_key = keys[0] if keys else generic["source_key"]
    if source_key == "":
        raise click.UsageError("KEY is empty; give a record's source key", context)
    if bool(where) + bool(keys) + bool(generic["source_key"]) != 1:
        raise click.UsageError("expected either --where COLUMN=VALUE or KEY", context)
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
    """Convert to JSON types; named tuples become objects."""
    if hasattr(thing, "_asdict"):
        return {name: _plain(value) for name, value in thing._asdict().items()}
    if isinstance(thing, datetime):
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
            "no row of the table matches; reporting quarantine lists rejected records,"
            " --source-key traces them"
        ]
    known = [
        *(("announced by", _run(load)) for load in provenance.announced),
        *_now(
            provenance.now,
            "there is no such object; give its name below the source, its URI, or its"
            " file's path",
        ),
    ]
    if provenance.absence:
        known.append(("why", f"{provenance.absence.reason}: {provenance.absence.text}"))
    elif re.search(r"[*?\[]", source_key):
        known.append(
            (
                "try",
                (
                    f"--where for rows, or reporting quarantine {report} show"
                    " --source-key for rejected records by a glob; trace takes one"
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
    if row.deleted_at is not None:
        known.append(("deleted at", utc_text(row.deleted_at)))
    for label, run in _labeled_runs(row):
        known.append((label, _run(run)))
        known += [("  version", run.version)] if run.version else []
        if row.deleted_at is None or run.version != row.version:  # not of a delete
            plugin = f" of {run.plugin}" if run.plugin else ""
            known.append(("  validator", f"{run.validator}{plugin}"))
    if not row.runs:
        reason = (
            "it was taken before the history began"
            if history
            else "none of the report's sinks keeps a history"
        )
        known.append(("loaded by", f"an unknown run: {reason}"))
    return _block(
        f"{row.uri or row.source_key}{_line(row.source_key, row.uri)}",
        [*known, *_now(row.now)],
    )


def _labeled_runs(row: RowProvenance) -> Iterator[tuple[str, LoadEvent]]:
    """Yield the runs that read a row, and what each has to do with it.

    In a table with versions, the first run that read the version of the row and did not
    fail loaded it.
    """
    if row.version is None:
        for number, run in enumerate(row.runs):
            yield ("or by" if number else "loaded by"), run
        return
    of_version = [run for run in row.runs if run.version == row.version]
    loaded = [run for run in of_version if run.status != "failed"][-1:]
    for run in [*loaded, *(run for run in row.runs if run not in loaded)]:
        label = "read again by" if run in of_version else "other version"
        yield ("loaded by" if run in loaded else label), run


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
        None: "of which there is no record (expired or killed)",
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
    """Return a title and labeled facts, each on its own line."""
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
    help="""Trace the origin of a row, or the reason a record is missing.

    For each row that --where finds: its object, the version that was read, the run and
    validator that loaded it, and the object's current state. For a record that
    --source-key names: the same, or the reason it was rejected.
    """,
    subcommand_metavar="REPORT [OPTIONS]...",
    work=print_trace,
    options=trace_options,
)
