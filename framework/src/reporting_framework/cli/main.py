"""The two programs, ``reporting`` and ``reporting-run``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import click

import reporting_framework
from reporting_framework._text.gc_tuning import tune_gc
from reporting_framework.cli.commands import COMMANDS, load_command
from reporting_framework.cli.context import CliContext, state_of
from reporting_framework.cli.exit_codes import FAILED
from reporting_framework.cli.failures import run_and_exit
from reporting_framework.cli.groups import CommandGroup
from reporting_framework.cli.interrupts import end_interrupted, end_process
from reporting_framework.cli.run import RUN_HELP, ReportCommands, format_reports
from reporting_framework.cli.standard_streams import escape_unencodable

_COMPLETION = """\b
Shell completion, report names included:
  eval "$(_{variable}_COMPLETE=bash_source {program})"   (or zsh_source, fish_source)
"""


class Program(CommandGroup):
    """A group that handles all errors itself (see `failures.run_and_exit`)."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the program and end the process; `main` raises `SystemExit` instead."""
        try:
            try:
                self.main(*args, **kwargs)
            except SystemExit as ended:
                end_process(ended.code if isinstance(ended.code, int) else FAILED)
        except KeyboardInterrupt:  # after all work, so nothing is left undone
            end_interrupted()

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
        state = extra.setdefault("obj", CliContext(words))
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
        return sorted({*COMMANDS, *state_of(ctx).commands(COMMANDS)})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command.

        Plugins are loaded only if the framework has no command of that name.
        """
        if cmd_name in COMMANDS:
            return load_command(cmd_name)
        return state_of(ctx).commands(COMMANDS).get(cmd_name)

    def format_commands(
        self, ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        """Write the commands, and the reports for ``run``."""
        super().format_commands(ctx, formatter)
        format_reports(state_of(ctx), formatter)


class ReportingRun(ReportCommands, Program):
    """The program ``reporting-run``, equal to ``reporting run``."""


reporting = Reporting(
    "reporting",
    help="Keep validated tables up to date from files, databases, APIs and streams.",
    epilog=_COMPLETION.format(variable="REPORTING", program="reporting"),
)
reporting_run = ReportingRun(
    "reporting-run",
    help=RUN_HELP,
    epilog=_COMPLETION.format(variable="REPORTING_RUN", program="reporting-run"),
    subcommand_metavar="REPORT [OPTIONS]...",
)
_version = click.version_option(
    reporting_framework.__version__, message="reporting-framework %(version)s"
)
_version(reporting)
_version(reporting_run)
