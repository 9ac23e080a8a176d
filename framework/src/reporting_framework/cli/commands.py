"""Commands of ``reporting``; each is imported on first use.

So a command, and ``reporting-run``, does not wait for the imports of all others.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

import click

COMMANDS: Mapping[str, str] = {
    "backfill": "backfill:backfill_command",
    "build": "build:build_command",
    "compact": "compact:compact_command",
    "doctor": "doctor:doctor_command",
    "freshness": "freshness:freshness_command",
    "history": "history:history_command",
    "iam": "iam:iam_command",
    "lint": "lint:lint_command",
    "list": "list:list_command",
    "migrate": "migrate:migrate_command",
    "new": "new:new_command",
    "plugins": "plugins:plugins_command",
    "quarantine": "quarantine:quarantine_command",
    "query": "query:query_group",
    "render": "render:render_command",
    "run": "run:run_command",
    "schema": "schema:schema_command",
    "sql": "sql:sql_command",
    "state": "state:state_command",
    "trace": "trace:trace_command",
}
"""Module of this package, and attribute, by the name of the command."""


def load_command(name: str) -> click.Command:
    """Import and return a command.

    Raises:
        KeyError: The framework has no command of that name.
    """
    module, _, attribute = COMMANDS[name].partition(":")
    command: click.Command = getattr(
        import_module(f"{__package__}.{module}"), attribute
    )
    return command


def load_commands() -> dict[str, click.Command]:
    """Import and return all commands by name."""
    return {name: load_command(name) for name in COMMANDS}
