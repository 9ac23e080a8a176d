"""``reporting migrate REPORT --from SINK``: copy a table to the report's sink."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import click

from reporting_framework._text.messages import redacted
from reporting_framework.cli.actions import common_options, pipeline_of
from reporting_framework.cli.context import state_of
from reporting_framework.cli.exit_codes import DONE
from reporting_framework.cli.failures import note
from reporting_framework.cli.run import ReportCommands

if TYPE_CHECKING:
    from reporting_framework.plugin_api.report import PluginRef


def migrate_options() -> list[click.Parameter]:
    """Return the options that the command has for every report."""
    return [
        click.Option(
            ["--from"],
            required=True,
            metavar="SINK",
            help=(
                "Sink that has the table, as in reporting.toml:"
                ' \'{ use = "parquet-checkpoint", uri = "out/visits.parquet" }\'.'
            ),
        ),
        *common_options(),
    ]


def migrate_report(
    context: click.Context, name: str, given: dict[str, Any], generic: dict[str, Any]
) -> int:
    """Copy the table, and print its number of rows."""
    from reporting_framework.cli.logs import logs_on_stderr
    from reporting_framework.operations.migration import migrate

    old, registry = _sink(generic["from"], context), state_of(context).registry
    with logs_on_stderr(registry.packages, verbose=generic["verbose"]):
        pipeline = pipeline_of(context, name, given, generic["set"])
        done = migrate(pipeline, old, registry)
    for output in done.result.outputs:
        note(f"{name}: {redacted(output.uri)}: {output.rows:,} rows from {old.name}")
    if done.left_out:
        names = ", ".join(done.left_out)
        note(f"{name}: columns that the report does not have were left out: {names}")
    return DONE


def _sink(text: str, context: click.Context) -> PluginRef:
    """Return the sink that a TOML table names.

    Raises:
        UsageError: It is something else.
    """
    from reporting_framework.plugin_api.report import PluginRef

    try:
        settings = tomllib.loads(f"sink = {text}")["sink"]
        return PluginRef(settings.pop("use"), settings)
    except (tomllib.TOMLDecodeError, AttributeError, KeyError, TypeError):
        raise click.UsageError(
            "--from: expected a sink as in reporting.toml, such as"
            ' \'{ use = "parquet-checkpoint", uri = "out/visits.parquet" }\'',
            context,
        ) from None


migrate_command = ReportCommands(
    "migrate",
    help="""Copy a table from another sink to the report's first sink.

    Change the sink in reporting.toml, then name the old one here. Rows, their versions
    and the source state are copied in one commit, so the next run continues where the
    last one ended. The old table stays. Stop the report's runs meanwhile.
    """,
    subcommand_metavar="REPORT --from SINK [OPTIONS]...",
    work=migrate_report,
    options=migrate_options,
)
