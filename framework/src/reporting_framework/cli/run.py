"""``reporting run REPORT``, the same as ``reporting-run REPORT``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from reporting_framework.cli.context import CliContext, state_of
from reporting_framework.cli.execute import execute
from reporting_framework.cli.failures import run_and_exit
from reporting_framework.cli.groups import CommandGroup
from reporting_framework.cli.installed import none_of, warn_of_uninstalled
from reporting_framework.cli.options import (
    generic_options,
    given_options,
    settings_options,
    unparsed_value,
)

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

_FULL_SCAN = "full_scan"
"""Name of the option for a full scan of the source."""

RUN_HELP = """Run a report.

    REPORT --help shows its options: one for each setting of the report, and the
    options that every report has.
    """

Work = Callable[[click.Context, str, dict[str, Any], dict[str, Any]], int]
"""Function that runs a command and returns its exit code.

Takes the context, the report's name, the settings given as options, and the other
options.
"""


class ReportCommands(CommandGroup):
    """A group whose commands are the reports.

    A command is created from a report's settings when the report is chosen.

    Args:
        work: Runs a report's command and returns the exit code.
        options: Creates the options that the command has for every report.
    """

    def __init__(
        self,
        *args: Any,
        work: Work = execute,
        options: Callable[[], list[click.Parameter]] = generic_options,
        **more: Any,
    ) -> None:
        super().__init__(*args, **more)
        self.work, self.options = work, options

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the reports that can be run."""
        return [
            row.name for row in state_of(ctx).reports()[0] if row.status == "registered"
        ]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of a report.

        Raises:
            ReportingError: The report does not exist or cannot be used.
        """
        options = self.options()
        command = report_command(cmd_name, state_of(ctx), self.work, options)
        if (
            self.work is not execute
        ):  # the command's own options come before the settings of a run
            command.help = self.help
            put_first(command, options)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Resolve a command after reading ``--config``, which may define the report."""
        state_of(ctx).given_config = unparsed_value("--config", args)
        try:
            return super().resolve_command(ctx, args)
        except Exception:
            if ctx.resilient_parsing:  # shell completion must not print an error
                return None, None, args
            raise

    def format_commands(
        self, ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        """Write the reports with their summaries; import no report."""
        format_reports(state_of(ctx), formatter)

    def shell_complete(
        self, ctx: click.Context, incomplete: str
    ) -> list[CompletionItem]:
        """Return names of reports and options."""
        from click.shell_completion import CompletionItem

        rows = [
            row for row in state_of(ctx).reports()[0] if row.name.startswith(incomplete)
        ]
        return [
            CompletionItem(row.name, help=row.summary) for row in rows
        ] + click.Command.shell_complete(self, ctx, incomplete)


def format_reports(state: CliContext, formatter: click.HelpFormatter) -> None:
    """Write the section of ``--help`` that lists the reports."""
    rows, problem = state.reports()
    warn_of_uninstalled(state.plugins)
    with formatter.section("Reports"):
        lines = [
            (row.name, f"({row.status}: {row.reason})" if row.reason else row.summary)
            for row in rows
        ]
        formatter.write_dl(lines or [("(none)", none_of(state.plugins, "report"))])
        if problem:
            formatter.write_text(problem)


def put_first(command: click.Command, options: Sequence[click.Parameter]) -> None:
    """Move these options of a command to the front."""
    command.params = [
        *options,
        *(param for param in command.params if param not in options),
    ]


class ReportCommand(click.Command):
    """A command on a report."""

    def format_options(
        self, ctx: click.Context, formatter: click.HelpFormatter
    ) -> None:
        """Write the options; a full scan only if the source may have one.

        If the option is given nevertheless, it is refused with the reason.
        """
        for option in self.params:
            if isinstance(option, click.Option) and option.name == _FULL_SCAN:
                option.hidden = not _may_scan(str(self.name), state_of(ctx))
        super().format_options(ctx, formatter)


def _may_scan(report: str, state: CliContext) -> bool:
    """Return whether the source of a report may have full scans of its own.

    Only a report of the configuration file names its source before it is composed.
    """
    from reporting_framework.errors import ReportingError

    source = state.config.tables.get(report, {}).get("source")
    name = source.get("use") if isinstance(source, Mapping) else None
    if not isinstance(name, str):
        return True
    try:
        fields: Mapping[str, Any] = state.registry.find(
            "source", name
        ).Settings.model_fields
    except ReportingError:
        return True
    return _FULL_SCAN in fields


def report_command(
    name: str, state: CliContext, work: Work, options: Sequence[click.Parameter]
) -> click.Command:
    """Return a command on a report, with the report's settings as options.

    Raises:
        ReportingError: The report does not exist or cannot be used.
    """
    from reporting_framework.registry.reports import resolve_report

    report = resolve_report(name, state.registry)
    settings = [*settings_options(report.Settings, options)]
    own_options = {option.name for option in settings}

    def callback(**params: Any) -> None:
        context = click.get_current_context()
        given = given_options(context, params, own_options)
        generic = {
            key: value for key, value in params.items() if key not in own_options
        }
        state.verbose = generic.get("verbose", False)
        context.exit(run_and_exit(lambda: work(context, name, given, generic), state))

    return ReportCommand(
        name,
        callback=callback,
        params=[*settings, *options],
        help=report.summary or None,
    )


run_command = ReportCommands(
    "run", help=RUN_HELP, subcommand_metavar="REPORT [OPTIONS]..."
)
