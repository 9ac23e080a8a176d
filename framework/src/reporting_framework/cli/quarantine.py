"""The command ``reporting quarantine REPORT``: rejected records of a report.

Its actions list, show, replay and discard them.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from reporting_framework.cli.actions import (
    Action,
    ReportActions,
    common_options,
    confirmed,
    pipeline_of,
)
from reporting_framework.cli.context import state_of
from reporting_framework.cli.execute import observed, print_result, with_words
from reporting_framework.cli.exit_codes import DONE, UNREAD, exit_code
from reporting_framework.cli.failures import escape_control_chars, note, write
from reporting_framework.cli.options import limit_option, limits
from reporting_framework.cli.query_output import print_answer
from reporting_framework.cli.standard_streams import printable_lines

if TYPE_CHECKING:
    import polars as pl

    from reporting_framework.execution.pipeline import Pipeline
    from reporting_framework.operations.quarantine import EntryFilter

DEFAULT_LIMIT = 100
"""Default number of records that are shown (``--limit``)."""

_NONE = "no record in quarantine matches"


def _selectors() -> list[click.Parameter]:
    """Return the options that select records."""
    return [
        click.Option(
            ["--type", "kind"],
            metavar="TYPE",
            help="Only records with this error type, such as missing.",
        ),
        click.Option(
            ["--field"],
            metavar="FIELD",
            help="Only records with an error in this field; empty: no field.",
        ),
        click.Option(
            ["--source-key"],
            metavar="KEY",
            help="Only records of this source key, object or file, or a glob: 2024/*.",
        ),
    ]


def _discarded() -> click.Option:
    return click.Option(
        ["--discarded"],
        is_flag=True,
        help="Select discarded records instead of the others.",
    )


def list_options() -> list[click.Parameter]:
    """Return the options of ``list``."""
    by_run = click.Option(
        ["--by-run"],
        is_flag=True,
        help="Group by run too, with its validator if the history has the run.",
    )
    return [
        *_selectors(),
        _discarded(),
        by_run,
        *common_options("table", "json", "csv"),
    ]


def show_options() -> list[click.Parameter]:
    """Return the options of ``show``."""
    return [
        *_selectors(),
        _discarded(),
        limit_option("Show at most this many records.", DEFAULT_LIMIT),
        click.Option(
            ["--reveal"],
            is_flag=True,
            help="Read the objects again and print the records with their values.",
        ),
        *common_options("table", "json", "csv"),
    ]


def replay_options() -> list[click.Parameter]:
    """Return the options of ``replay``."""
    return [
        *_selectors(),
        _discarded(),
        click.Option(
            ["--dry-run"],
            is_flag=True,
            help="Read and validate, but write nothing; print the expected result.",
        ),
        *limits("; the rest stays in quarantine", " again"),
        *common_options("text", "json"),
    ]


def discard_options() -> list[click.Parameter]:
    """Return the options of ``discard``."""
    return [
        *_selectors(),
        click.Option(["--yes"], is_flag=True, help="Do not ask for confirmation."),
        *common_options(),
    ]


def list_entries(
    context: click.Context, name: str, given: dict[str, Any], generic: dict[str, Any]
) -> int:
    """Print the number of records for each reason."""
    from reporting_framework.operations.quarantine import grouped, validators_of

    pipeline, entries = _select_entries(context, name, given, generic)
    groups = grouped(entries, validators_of(pipeline) if generic["by_run"] else None)
    if not groups.height and generic["format"] == "table":
        write(_NONE)
    else:
        print_answer(groups, generic["format"], None)
    return DONE


def show_entries(
    context: click.Context, name: str, given: dict[str, Any], generic: dict[str, Any]
) -> int:
    """Print the entry of each record, or with ``--reveal`` the record itself."""
    pipeline, entries = _select_entries(context, name, given, generic)
    if (more := entries.height - generic["limit"]) > 0:
        click.echo(
            f"warning: {more:,} more match; --limit {entries.height} shows all",
            err=True,
        )
    entries = entries.head(generic["limit"])
    if generic["reveal"]:
        _print_records(pipeline, entries, generic["format"], context)
    elif not entries.height and generic["format"] == "table":
        write(_NONE)
    else:
        print_answer(entries, generic["format"], None)
    return DONE


def _print_records(
    pipeline: Pipeline, entries: pl.DataFrame, form: str, context: click.Context
) -> None:
    """Print the records as they are now, on stdout only."""
    from reporting_framework.execution.pipeline import close_source
    from reporting_framework.operations.quarantine import read_records

    if form == "csv":
        raise click.UsageError(
            "--reveal: prints no csv; use --format table or json", context
        )
    click.echo(
        "values of records follow on stdout; they may be personal data: do not keep"
        " them longer than needed",
        err=True,
    )
    try:
        if form == "json":
            write(
                json.dumps(
                    [record._asdict() for record in read_records(pipeline, entries)],
                    indent=2,
                    ensure_ascii=False,
                )
            )
            return
        for record in read_records(pipeline, entries):
            write(
                escape_control_chars(
                    f"== {record.source_key}"
                    f"{f' ({record.note})' if record.note else ''}"
                )
            )
            if record.record is not None:
                write(printable_lines(record.record))
    finally:
        close_source(pipeline)


def replay(
    context: click.Context, name: str, given: dict[str, Any], generic: dict[str, Any]
) -> int:
    """Read quarantined objects again through the current report, and print the result.

    Accepted records are added to the table; rejected records stay in quarantine.
    """
    from reporting_framework.cli.logs import logs_on_stderr
    from reporting_framework.execution.streams import Assembled
    from reporting_framework.operations.quarantine import objects_of

    state = state_of(context)
    _, entries = _select_entries(context, name, given, generic)
    objects = objects_of(entries)
    if not objects:
        click.echo(f"nothing to replay: {_NONE}", err=True)
    with logs_on_stderr(state.registry.packages, verbose=generic["verbose"]):
        pipeline = pipeline_of(context, name, given, generic["set"], "source")
        pipeline = with_words(pipeline, context, given, generic)
        result = observed(
            Assembled(name, {None: pipeline}),
            state,
            {**generic, "limit": sys.maxsize},
            replay=objects,
        )
    print_result(context, result, name, given, generic)
    code, why = exit_code(result, generic["max_rejected"])
    if code == UNREAD:
        why = (
            f"objects that could not be read: {result.objects_unread}; they stay in"
            " quarantine: discard those that no longer exist"
        )
    if why:
        click.echo(f"warning: {why}", err=True)
    return code


def discard(
    context: click.Context, name: str, given: dict[str, Any], generic: dict[str, Any]
) -> int:
    """Discard records permanently, after confirmation."""
    from reporting_framework.cli.logs import logs_on_stderr
    from reporting_framework.operations.quarantine import (
        entries_of,
        grouped,
        metadata_store,
    )

    if generic["yes"] and not any(
        generic[key] for key in ("kind", "field", "source_key")
    ):
        raise click.UsageError(
            "--yes: needs a selection; add --type, --field or --source-key"
            " (--source-key '*' selects all)",
            context,
        )
    state = state_of(context)
    with logs_on_stderr(state.registry.packages, verbose=generic["verbose"]):
        pipeline = pipeline_of(context, name, given, generic["set"])
        with metadata_store(pipeline, changing=True) as store:
            entries = entries_of(pipeline, store.quarantine, _entry_filter(generic))
            if not entries.height:
                write(f"nothing was discarded: {_NONE}")
                return DONE
            for kind, field, count, *_ in grouped(entries).iter_rows():
                click.echo(
                    escape_control_chars(
                        f"  {count:,} x {kind}{f' in {field}' if field else ''}"
                    ),
                    err=True,
                )
            question = f"discard {entries.height:,} records of {name} permanently"
            if not generic["yes"] and not confirmed(
                f"{question}, until their objects change?", context
            ):
                write("nothing was discarded")
                return DONE
            discarded = store.discard(entries)
    left = (
        f"; {entries.height - discarded:,} changed meanwhile and were kept"
        if discarded < entries.height
        else ""
    )
    note(f"discarded {discarded:,} records{left}")
    return DONE


def _entry_filter(generic: dict[str, Any]) -> EntryFilter:
    from reporting_framework.operations.quarantine import EntryFilter

    return EntryFilter(generic["kind"], generic["field"], generic["source_key"])


def _select_entries(
    context: click.Context, name: str, given: dict[str, Any], generic: dict[str, Any]
) -> tuple[Pipeline, pl.DataFrame]:
    """Return the report's pipeline and the selected entries."""
    from reporting_framework.cli.logs import logs_on_stderr
    from reporting_framework.operations.quarantine import entries_of, metadata_store

    with logs_on_stderr(
        state_of(context).registry.packages, verbose=generic["verbose"]
    ):
        pipeline = pipeline_of(context, name, given, generic["set"])
        with metadata_store(pipeline) as store:
            return pipeline, entries_of(
                pipeline,
                store.quarantine,
                _entry_filter(generic),
                discarded=generic["discarded"],
            )


ACTIONS = {
    "list": Action(
        "List the reasons for rejection: number of records, times, and one example"
        " each.",
        list_entries,
        list_options,
    ),
    "show": Action(
        "Show the records: source key, version, reason, run and time. Values are shown"
        " only with --reveal.",
        show_entries,
        show_options,
    ),
    "replay": Action(
        "Read the records again through the current report. Accepted records are added"
        " to the table once; rejected records stay in quarantine.",
        replay,
        replay_options,
    ),
    "discard": Action(
        "Discard the records permanently. They are no longer listed, and read again"
        " only if their objects change.",
        discard,
        discard_options,
    ),
}
"""Actions on a report's quarantine."""


quarantine_command = ReportActions(
    "quarantine",
    help="""List, replay or discard the records that a report rejected.

    REPORT --help shows the actions, REPORT ACTION --help the options of an action.
    """,
    subcommand_metavar="REPORT [ACTION] [OPTIONS]...",
    actions=ACTIONS,
)
