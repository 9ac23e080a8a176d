"""The command ``reporting schema REPORT``.

It shows the columns of a report's table, for people and for other programs.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from reporting_framework.cli.context import state_of
from reporting_framework.cli.failures import DONE, write
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
"""The forms that an option is for."""


def schema_options() -> list[click.Parameter]:
    """The options that every report has here."""
    return [
        click.Option(
            ["--format"],
            type=click.Choice(FORMATS),
            default="table",
            show_default=True,
            help=(
                "For people; JSON Schema of a row; CREATE TABLE for Athena; TableInput"
                " for Glue."
            ),
        ),
        click.Option(
            ["--table"],
            metavar="NAME",
            help=(
                "Name of the table in Athena or Glue.  [default: that of the report,"
                " with underscores]"
            ),
        ),
        click.Option(
            ["--database"], metavar="NAME", help="Database of the table in Athena."
        ),
        click.Option(
            ["--location"],
            metavar="URI",
            help="Folder in S3 that holds the files.  [default: that of the table]",
        ),
        *settings_sources(),
    ]


def print_schema(
    context: click.Context, name: str, given: dict[str, Any], generic: dict[str, Any]
) -> int:
    """Print the columns that the table would have.

    This is for the settings that a run would have now.
    """
    form = generic["format"]
    for option, forms in _TAKEN.items():
        if generic[option] is not None and form not in forms:
            raise click.UsageError(
                f"--{option} goes with --format {' or '.join(forms)}", context
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

    They are those of the settings that a run would have; nothing is read from where the
    table lies.
    """,
    subcommand_metavar="REPORT [OPTIONS]...",
    work=print_schema,
    options=schema_options,
)
