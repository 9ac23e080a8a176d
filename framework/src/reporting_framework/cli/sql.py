"""``reporting sql REPORT SQL``: SQL on a report's table."""

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
from reporting_framework.cli.failures import DONE, write, write_file
from reporting_framework.cli.options import shared_options
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
"""Rows that the table for people has at the most."""


def sql_options() -> list[click.Parameter]:
    """The options that SQL has, of whatever report."""
    return [
        click.Argument(["sql"], required=False, metavar="[SQL]"),
        click.Option(
            ["--file"],
            metavar="FILE",
            type=click.Path(dir_okay=False, allow_dash=True),
            help="Read the SQL from this file; - is standard input.",
        ),
        click.Option(
            ["--tables", "--list"],
            is_flag=True,
            help="Show what the table is called, and its columns.",
        ),
        *answer_options(
            f"Form of the answer; a table has {DEFAULT_LIMIT} rows at the most."
        ),
        *shared_options(),
    ]


def ask_sql(
    context: click.Context, report: str, given: dict[str, Any], generic: dict[str, Any]
) -> int:
    """Ask the report's table as it is now, and say the answer."""
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
        with opened(
            resolve_report(report, state.registry), composition, state.registry
        ) as table:
            if text is None:
                _show(table)
            else:
                _answer(text, table, form, generic["out"])
    return DONE


def _text(generic: dict[str, Any], context: click.Context) -> str | None:
    """The SQL that was given; None where the tables are asked for.

    Raises:
        UsageError: It was given twice, or not at all.
        SettingsError: The file cannot be read.
    """
    given = [
        source
        for source in (generic["sql"], generic["file"], generic["tables"] or None)
        if source is not None
    ]
    if len(given) != 1:
        raise click.UsageError(
            "give the SQL itself, or --file FILE (- is standard input), or --tables;"
            " one of them",
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
    """Refuse bytes that Python let through: DuckDB takes none.

    Raises:
        SettingsError: There are such.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        raise SettingsError("the SQL is not UTF-8") from None


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
    """The first rows for people; how many there are besides is said on stderr."""
    some = rows.first(DEFAULT_LIMIT)
    if some.more:
        total = len(some.rows) + some.more
        note = (
            f"{len(some.rows):,} of {total:,} rows are shown; --format csv, json or"
            " parquet gives all"
        )
        click.echo(note, err=True)
    return text_of(some.columns, some.rows)


@contextmanager
def _target(out: str | None, folder: Path) -> Iterator[Path]:
    """A file to write to, which then takes the place of `out`."""
    if out is not None:
        with replacing(out) as scratch:
            yield scratch
        return
    descriptor, name = tempfile.mkstemp(dir=folder)
    os.close(descriptor)
    yield Path(name)


sql_command = ReportCommands(
    "sql",
    help="""Ask a report's table in SQL.

    It is DuckDB's SQL, on a view of the table: REPORT --tables shows what it is called,
    its columns and types. One statement that gives rows; nothing can be changed, and
    nothing else be read. Needs the extra sql.
    """,
    subcommand_metavar="REPORT SQL [OPTIONS]...",
    work=ask_sql,
    options=sql_options,
)
