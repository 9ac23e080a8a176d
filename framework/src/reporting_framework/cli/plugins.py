"""The command ``reporting plugins``: all installed plugins and their status."""

from __future__ import annotations

import json

import click

from reporting_framework.cli.commands import COMMANDS
from reporting_framework.cli.context import state_of
from reporting_framework.cli.failures import write
from reporting_framework.cli.installed import warn_of_uninstalled
from reporting_framework.cli.list import config_option, format_option


@click.command("plugins")
@config_option
@format_option
@click.option(
    "--check",
    is_flag=True,
    help="Import all plugins; exit with 1 if an import fails.",
)
@click.pass_context
def plugins_command(
    context: click.Context, config: str | None, format_: str, check: bool
) -> None:
    """List the plugins.

    Shows name, role, distribution, version, status and the reason for the status. A
    registered plugin is imported on first use; --check imports all of them now.
    """
    state = state_of(context)
    state.given_config = config
    state.commands(COMMANDS)
    warn_of_uninstalled(state.registry)
    rows = state.registry.check() if check else state.registry.listing
    if format_ == "json":
        write(json.dumps([row._asdict() for row in rows], indent=2, ensure_ascii=False))
    else:
        from reporting_framework.cli.tables import listing

        write(
            listing(
                ["name", "role", "distribution", "version", "status", "why"],
                [
                    [
                        row.name,
                        row.role,
                        row.distribution,
                        row.version,
                        row.status,
                        row.reason,
                    ]
                    for row in rows
                ],
            )
        )
    if check and any(row.status == "broken" for row in rows):
        context.exit(1)
