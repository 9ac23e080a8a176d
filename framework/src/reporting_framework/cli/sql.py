"""``reporting sql REPORT SQL``: SQL queries on a report's table."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from reporting_framework.cli.context import state_of
from reporting_framework.cli.exit_codes import DONE
from reporting_framework.cli.failures import write, write_file
from reporting_framework.cli.options import as_of_option, shared_options
from reporting_framework.cli.query_output import (
    answer_options,
    form_of,
    replacing,
    text_of,
)
from reporting_framework.cli.run import ReportCommands
from reporting_framework.errors import SettingsError

if TYPE_CHECKING:
    from reporting_framework.query.sql.answer import OutputFormat, SqlAnswer
    from reporting_framework.query.sql.table import Table

DEFAULT_LIMIT = 100
"""Most rows in a table for people."""


def sql_options() -> list[click.Parameter]:
    """Return the options of SQL queries on every report."""
    return [
        click.Argument(["sql"], required=False, metavar="[SQL]"),
        click.Option(
            ["--file"],
            metavar="FILE",
            type=click.Path(dir_okay=False, allow_dash=True),
            help="Read the SQL from this file; - is stdin.",
        ),
        click.Option(
            ["--tables", "--list"],
            is_flag=True,
            help="Show the table's names and columns.",
        ),
        as_of_option(),
        *answer_options(f"Output format; a table has at most {DEFAULT_LIMIT} rows."),
        *shared_options(),
    ]


def ask_sql(
    context: click.Context, report: str, given: dict[str, Any], generic: dict[str, Any]
) -> int:
    """Run SQL on the report's current table and print the answer."""
    form, text = (
        form_of(generic["format"], generic["out"], context),
        _text(generic, context),
    )
    if text is not None and not text.isascii():
        _check_unicode(text)
    from reporting_framework.cli.logs import logs_on_stderr
    from reporting_framework.query.sql.engine import check_installed
    from reporting_framework.registry.reports import resolve_report

    check_installed()
    from reporting_framework.query.sql.table import opened

    state = state_of(context)
    with logs_on_stderr(state.registry.packages, verbose=generic["verbose"]):
        composition = state.pipeline_spec(report, given, generic["set"])
        composition = composition._replace(as_of=generic["as_of"])
        with opened(
            resolve_report(report, state.registry), composition, state.registry
        ) as table:
            if text is None:
                _show(table)
            else:
                _answer(text, table, form, generic["out"])
    return DONE


def _text(generic: dict[str, Any], context: click.Context) -> str | None:
    """Return the SQL, or `None` with ``--tables``.

    Raises:
        UsageError: The SQL was given twice or not at all.
        SettingsError: The file cannot be read.
    """
    given = [
        source
        for source in (generic["sql"], generic["file"], generic["tables"] or None)
        if source is not None
    ]
    if len(given) != 1:
        raise click.UsageError(
            "expected exactly one of: the SQL, --file FILE (- is stdin), --tables",
            context,
        )
    if generic["tables"]:
        return None
    if "-" in given:
        return sys.stdin.read()
    if generic["sql"] is not None:
        return str(generic["sql"])
    try:
        return Path(generic["file"]).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SettingsError(
            f"{generic['file']}: the SQL cannot be read: {reason}"
        ) from None


def _check_unicode(text: str) -> None:
    """Refuse bytes that Python decoded as surrogates, which DuckDB rejects.

    Raises:
        SettingsError: The text has such bytes.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        raise SettingsError("SQL: not valid UTF-8; save it as UTF-8") from None


def _show(table: Table) -> None:
    """Print the table's names and columns."""
    from reporting_framework.cli.tables import listing
    from reporting_framework.query.sql.answer import columns_of

    write(f"{' or '.join(table.names)}\n")
    write(listing(["column", "type"], columns_of(table)))


def _answer(text: str, table: Table, form: str, out: str | None) -> None:
    from reporting_framework.query.sql.answer import open_answer

    with (
        _target(out, table.spill.parent) as target,
        open_answer(text, table, [target]) as answer,
    ):
        if form != "table":
            answer.write(cast("OutputFormat", form), target)
            if out is None:
                write_file(target)
            return
        shown = _first_rows(answer)
        if out is None:
            write(shown)
        else:
            target.write_text(f"{shown}\n", encoding="utf-8")


def _first_rows(rows: SqlAnswer) -> str:
    """Return the first rows for people; print the total number on stderr."""
    some = rows.first(DEFAULT_LIMIT)
    if some.more:
        total = len(some.rows) + some.more
        note = (
            f"{len(some.rows):,} of {total:,} rows are shown; use --format csv, json or"
            " parquet for all"
        )
        click.echo(note, err=True)
    return text_of(some.columns, some.rows)


@contextmanager
def _target(out: str | None, folder: Path) -> Iterator[Path]:
    """Yield a file to write to, which then replaces `out`."""
    if out is not None:
        with replacing(out) as scratch:
            yield scratch
        return
    descriptor, name = tempfile.mkstemp(dir=folder)
    os.close(descriptor)
    yield Path(name)


sql_command = ReportCommands(
    "sql",
    help="""Query a report's table in SQL.

    The SQL is DuckDB's, on a view of the table: REPORT --tables shows its names,
    columns and types. Takes one statement that returns rows; it cannot change anything
    or read anything else. Needs the extra sql.
    """,
    subcommand_metavar="REPORT SQL [OPTIONS]...",
    work=ask_sql,
    options=sql_options,
)
