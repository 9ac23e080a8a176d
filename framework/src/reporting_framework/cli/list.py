"""``reporting list``: all reports."""

from __future__ import annotations

import json

import click

from reporting_framework.cli.context import state_of
from reporting_framework.cli.failures import write
from reporting_framework.cli.installed import none_of, registered

format_option = click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Output format.",
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

    The list has the reports of plugins and the reports defined in reporting.toml.
    """
    state = state_of(context)
    state.given_config = config
    rows = registered(state.registry, "report")
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
        nothing = none_of(state.registry, "report")
        write(f"{nothing}; reporting.toml defines none either")
