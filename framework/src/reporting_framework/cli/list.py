"""``reporting list``: the reports there are."""

from __future__ import annotations

import json

import click

from reporting_framework.cli.context import state_of
from reporting_framework.cli.failures import write

format_option = click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Form of the list.",
)
config_option = click.option(
    "--config",
    metavar="FILE",
    type=click.Path(dir_okay=False),
    help="Configuration file.",
)


@click.command("list")
@config_option
@format_option
@click.pass_context
def list_command(context: click.Context, config: str | None, format_: str) -> None:
    """List the reports.

    Those that plugins bring, and those composed in reporting.toml.
    """
    state = state_of(context)
    state.given_config = config
    rows = [
        row
        for row in state.registry.listing
        if row.role == "report" and row.status == "registered"
    ]
    if format_ == "json":
        write(
            json.dumps(
                [{"name": row.name, "summary": row.summary} for row in rows],
                indent=2,
                ensure_ascii=False,
            )
        )
    elif rows:
        from reporting_framework.cli.tables import listing

        write(listing(["report", "summary"], [[row.name, row.summary] for row in rows]))
    else:
        write("no installed plugin brings a report, and reporting.toml composes none")
