"""The two programs, ``reporting`` and ``reporting-run``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import click

import reporting_framework
from reporting_framework._text.gc_tuning import tune_gc
from reporting_framework.cli.build import build_command
from reporting_framework.cli.context import CliContext, state_of
from reporting_framework.cli.doctor import doctor_command
from reporting_framework.cli.failures import run_and_exit
from reporting_framework.cli.freshness import freshness_command
from reporting_framework.cli.groups import CommandGroup
from reporting_framework.cli.history import history_command
from reporting_framework.cli.iam import iam_command
from reporting_framework.cli.list import list_command
from reporting_framework.cli.new import new_command
from reporting_framework.cli.plugins import plugins_command
from reporting_framework.cli.quarantine import quarantine_command
from reporting_framework.cli.query import query_group
from reporting_framework.cli.render import render_command
from reporting_framework.cli.run import ReportCommands, format_reports
from reporting_framework.cli.schema import schema_command
from reporting_framework.cli.sql import sql_command
from reporting_framework.cli.standard_streams import escape_unencodable
from reporting_framework.cli.state import state_command
from reporting_framework.cli.trace import trace_command

_COMPLETION = """\b
Shell completion, report names included:
  eval "$(_{variable}_COMPLETE=bash_source {program})"   (or zsh_source, fish_source)
"""


class Program(CommandGroup):
    """A group that handles all errors itself (see `failures.run_and_exit`)."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run the program and exit."""
        tune_gc()
        escape_unencodable()
        words = list(sys.argv[1:] if args is None else args)
        state = CliContext(words)
        extra.setdefault("obj", state)
        start = super().main
        sys.exit(
            run_and_exit(
                lambda: start(
                    words, prog_name, complete_var, standalone_mode=False, **extra
                ),
                state,
            )
        )


class Reporting(Program):
    """The program ``reporting``: commands of the framework and of plugins."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return sorted({*self.commands, *state_of(ctx).commands(self.commands)})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command.

        Plugins are loaded only if the framework has no command of that name.
        """
        return self.commands.get(cmd_name) or state_of(ctx).commands(self.commands).get(
            cmd_name
        )

    def format_commands(
        self, ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        """Write the commands, and the reports for ``run``."""
        super().format_commands(ctx, formatter)
        format_reports(state_of(ctx), formatter)


class ReportingRun(ReportCommands, Program):
    """The program ``reporting-run``, equal to ``reporting run``."""


_RUN_HELP = """Run a report.

    REPORT --help shows its options: one for each setting of the report, and the
    options that every report has.
    """

reporting = Reporting(
    "reporting",
    help="Keep validated tables up to date from files, databases, APIs and streams.",
    epilog=_COMPLETION.format(variable="REPORTING", program="reporting"),
)
reporting_run = ReportingRun(
    "reporting-run",
    help=_RUN_HELP,
    epilog=_COMPLETION.format(variable="REPORTING_RUN", program="reporting-run"),
    subcommand_metavar="REPORT [OPTIONS]...",
)
for _command in (
    ReportCommands("run", help=_RUN_HELP, subcommand_metavar="REPORT [OPTIONS]..."),
    build_command,
    doctor_command,
    freshness_command,
    iam_command,
    list_command,
    new_command,
    plugins_command,
    quarantine_command,
    query_group,
    render_command,
    history_command,
    schema_command,
    sql_command,
    state_command,
    trace_command,
):
    reporting.add_command(_command)

_version = click.version_option(
    reporting_framework.__version__, message="reporting-framework %(version)s"
)
_version(reporting)
_version(reporting_run)
