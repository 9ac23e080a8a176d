"""The two programs, ``reporting`` and ``reporting-run``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import click

import reporting_framework
from reporting_framework.cli.actions import ReportActions
from reporting_framework.cli.build import build_command
from reporting_framework.cli.doctor import Doctor
from reporting_framework.cli.explain import explain_options, print_explained
from reporting_framework.cli.failures import guarded
from reporting_framework.cli.freshness import check_freshness, freshness_options
from reporting_framework.cli.iam import policy_options, print_policy
from reporting_framework.cli.list import list_command
from reporting_framework.cli.new import new_command
from reporting_framework.cli.plugins import plugins_command
from reporting_framework.cli.quarantine import ACTIONS as QUARANTINE_ACTIONS
from reporting_framework.cli.quarantine import replay, replay_options
from reporting_framework.cli.query import ReportQueries, query_options
from reporting_framework.cli.report import ReportPages, report_options
from reporting_framework.cli.run import ReportCommands, format_reports
from reporting_framework.cli.runs import print_runs, runs_options
from reporting_framework.cli.schema import print_schema, schema_options
from reporting_framework.cli.sql import ask_sql, sql_options
from reporting_framework.cli.state import State, state_of
from reporting_framework.cli.stored import ACTIONS as STATE_ACTIONS
from reporting_framework.collector import rarely

_COMPLETION = """\b
Shell completion, report names included:
  eval "$(_{variable}_COMPLETE=bash_source {program})"   (or zsh_source, fish_source)
"""


class Program(click.Group):
    """A group that handles all errors itself: see `failures.guarded`."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run the program and exit."""
        rarely()
        words = list(sys.argv[1:] if args is None else args)
        state = State(words)
        extra.setdefault("obj", state)
        start = super().main
        sys.exit(guarded(lambda: start(words, prog_name, complete_var, standalone_mode=False, **extra), state))


class Reporting(Program):
    """``reporting``: the framework's own commands, and those of plugins."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all commands."""
        return sorted({*self.commands, *state_of(ctx).commands(self.commands)})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command; plugins are asked only when the framework has none of that name."""
        return self.commands.get(cmd_name) or state_of(ctx).commands(self.commands).get(cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The commands, and the reports for ``run``."""
        super().format_commands(ctx, formatter)
        format_reports(state_of(ctx), formatter)


class ReportingRun(ReportCommands, Program):
    """``reporting-run``: the same as ``reporting run``."""


_RUN_HELP = """Run a report.

    REPORT --help shows its options: one for each of its settings, and those that every report has.
    """

_IAM_HELP = """Print the IAM policy that a report needs.

    It is made of what the report's plugins declare for the settings that a run would have.
    """

_QUERY_HELP = """Ask a report's table.

    REPORT --list shows the queries, REPORT QUERY --help what one of them means exactly, and its options.
    """

_SCHEMA_HELP = """Print the columns of a report's table.

    They are those of the settings that a run would have; nothing is read from where the table lies.
    """

_QUARANTINE_HELP = """See what a report read and did not keep, and do something about it.

    REPORT --help shows what can be done, REPORT ACTION --help its options.
    """

_STATE_HELP = """See what a report keeps, and do something about it.

    REPORT --help shows what can be done, REPORT ACTION --help its options.
    """

_DOCTOR_HELP = """Check everything that a run rests on.

    Of a report too where one is named; its settings are options. Exits with 1 when something does not work.
    """

_FRESHNESS_HELP = """Say whether a report is fresh, for a monitor.

    One line, and an exit code: 0 fresh, 6 stale, 7 never; anything else: it is not known.
    """

_REPLAY_HELP = """Read what is in quarantine again.

    The same as reporting quarantine REPORT replay.
    """

_ACTION = "REPORT [ACTION] [OPTIONS]..."

_EXPLAIN_HELP = """Explain where a row came from, or why a record is not there.

    Of each row that --where finds: its object, the version that was read, the run and the validator that brought it,
    and whether the object is still the same. Of a record that --origin names: the same, or why it was turned away.
    """

_RUNS_HELP = """Show what a report's last runs did, the newest first."""

_SQL_HELP = """Ask a report's table in SQL.

    It is DuckDB's SQL, on a view of the table: REPORT --tables shows what it is called, its columns and types. One
    statement that gives rows; nothing can be changed, and nothing else be read. Needs the extra sql.
    """

_REPORT_HELP = """Make a page of a month of a report's table.

    One HTML file that needs nothing else; REPORT --list shows the pages, REPORT --help the options of the report's own.
    """

reporting = Reporting(
    "reporting",
    help="Reports: validated, incremental tables from anything.",
    epilog=_COMPLETION.format(variable="REPORTING", program="reporting"),
)
reporting_run = ReportingRun(
    "reporting-run",
    help=_RUN_HELP,
    epilog=_COMPLETION.format(variable="REPORTING_RUN", program="reporting-run"),
    subcommand_metavar="REPORT [OPTIONS]...",
)
reporting.add_command(ReportCommands("run", help=_RUN_HELP, subcommand_metavar="REPORT [OPTIONS]..."))
reporting.add_command(build_command)
reporting.add_command(
    ReportCommands(
        "explain",
        help=_EXPLAIN_HELP,
        subcommand_metavar="REPORT [OPTIONS]...",
        work=print_explained,
        options=explain_options,
    )
)
reporting.add_command(
    ReportCommands(
        "iam", help=_IAM_HELP, subcommand_metavar="REPORT [OPTIONS]...", work=print_policy, options=policy_options
    )
)
reporting.add_command(list_command)
reporting.add_command(new_command)
reporting.add_command(plugins_command)
reporting.add_command(
    ReportQueries("query", help=_QUERY_HELP, subcommand_metavar="REPORT QUERY [OPTIONS]...", options=query_options)
)
reporting.add_command(
    ReportCommands(
        "schema", help=_SCHEMA_HELP, subcommand_metavar="REPORT [OPTIONS]...", work=print_schema, options=schema_options
    )
)
reporting.add_command(
    ReportActions("quarantine", help=_QUARANTINE_HELP, subcommand_metavar=_ACTION, actions=QUARANTINE_ACTIONS)
)
reporting.add_command(
    ReportCommands(
        "replay", help=_REPLAY_HELP, subcommand_metavar="REPORT [OPTIONS]...", work=replay, options=replay_options
    )
)
reporting.add_command(Doctor("doctor", help=_DOCTOR_HELP, subcommand_metavar="[REPORT] [OPTIONS]..."))
reporting.add_command(ReportActions("state", help=_STATE_HELP, subcommand_metavar=_ACTION, actions=STATE_ACTIONS))
reporting.add_command(
    ReportCommands(
        "freshness",
        help=_FRESHNESS_HELP,
        subcommand_metavar="REPORT [OPTIONS]...",
        work=check_freshness,
        options=freshness_options,
    )
)

reporting.add_command(
    ReportCommands(
        "runs", help=_RUNS_HELP, subcommand_metavar="REPORT [OPTIONS]...", work=print_runs, options=runs_options
    )
)
reporting.add_command(
    ReportCommands(
        "sql", help=_SQL_HELP, subcommand_metavar="REPORT SQL [OPTIONS]...", work=ask_sql, options=sql_options
    )
)
reporting.add_command(
    ReportPages("report", help=_REPORT_HELP, subcommand_metavar="REPORT [OPTIONS]...", options=report_options)
)

_version = click.version_option(reporting_framework.__version__, message="reporting-framework %(version)s")
_version(reporting)
_version(reporting_run)
