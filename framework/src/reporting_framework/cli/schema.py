"""The command ``reporting schema REPORT``: the columns of a report's table."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from reporting_framework.cli.context import state_of
from reporting_framework.cli.exit_codes import DONE
from reporting_framework.cli.failures import write
from reporting_framework.cli.options import settings_sources
from reporting_framework.cli.run import ReportCommands

if TYPE_CHECKING:
    from reporting_framework.query.schemas.table import Table

FORMATS = ("table", "json-schema", "athena", "glue")

_TAKEN = {
    "table": ("athena", "glue"),
    "database": ("athena",),
    "location": ("athena", "glue"),
}
"""Formats that each option applies to."""


def schema_options() -> list[click.Parameter]:
    """Return the options that the command has for every report."""
    return [
        click.Option(
            ["--format"],
            type=click.Choice(FORMATS),
            default="table",
            show_default=True,
            help=(
                "Output format: a table for people, JSON Schema of a row, CREATE TABLE"
                " for Athena, or TableInput for Glue."
            ),
        ),
        click.Option(
            ["--table"],
            metavar="NAME",
            help=(
                "Name of the table in Athena or Glue.  [default: the report's name,"
                " with underscores]"
            ),
        ),
        click.Option(
            ["--database"], metavar="NAME", help="Database of the table in Athena."
        ),
        click.Option(
            ["--location"],
            metavar="URI",
            help="S3 folder with the table's files.  [default: the table's location]",
        ),
        *settings_sources(),
    ]


def print_schema(
    context: click.Context, name: str, given: dict[str, Any], generic: dict[str, Any]
) -> int:
    """Print the columns that the table has under the report's current settings."""
    form = generic["format"]
    for option, forms in _TAKEN.items():
        if generic[option] is not None and form not in forms:
            raise click.UsageError(
                f"--{option}: not for this format; use --format {' or '.join(forms)}",
                context,
            )
    from reporting_framework.query.schemas.table import described

    state = state_of(context)
    composition = state.pipeline_spec(name, given, generic["set"])
    write(_text(described(name, composition, state.registry), generic))
    return DONE


def _text(table: Table, generic: dict[str, Any]) -> str:
    from reporting_framework.query.schemas.athena import athena_ddl
    from reporting_framework.query.schemas.glue import glue_table
    from reporting_framework.query.schemas.json_schema import json_schema

    name, location = generic["table"], generic["location"]
    if generic["format"] == "json-schema":
        return json.dumps(json_schema(table), indent=2, ensure_ascii=False)
    if generic["format"] == "athena":
        return athena_ddl(
            table, name=name, database=generic["database"], location=location
        )
    if generic["format"] == "glue":
        return json.dumps(
            glue_table(table, name=name, location=location),
            indent=2,
            ensure_ascii=False,
        )
    return _listing(table)


def _listing(table: Table) -> str:
    from reporting_framework.cli.tables import listing
    from reporting_framework.query.schemas.table import type_name

    rows = [
        [
            name,
            type_name(dtype),
            "yes" if facts.nullable else "no",
            ": ".join(filter(None, (facts.description, ", ".join(facts.values)))),
        ]
        for name, dtype, facts in table.columns
    ]
    return listing(["column", "type", "null", ""], rows)


schema_command = ReportCommands(
    "schema",
    help="""Print the columns of a report's table.

    The columns are those of the next run's settings; the table itself is not read.
    """,
    subcommand_metavar="REPORT [OPTIONS]...",
    work=print_schema,
    options=schema_options,
)
