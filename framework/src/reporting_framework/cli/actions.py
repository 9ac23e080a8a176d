"""Commands of the form ``reporting NOUN REPORT ACTION``.

Each command offers several actions on a report.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import click

from reporting_framework.cli.context import CliContext, state_of
from reporting_framework.cli.groups import CommandGroup
from reporting_framework.cli.options import shared_options
from reporting_framework.cli.run import ReportCommands, Work, report_command
from reporting_framework.errors import PluginError

if TYPE_CHECKING:
    from reporting_framework.execution.pipeline import Pipeline
    from reporting_framework.execution.validator_binding import Columns

T = TypeVar("T")


class Action(NamedTuple):
    """One action on a report.

    Attributes:
        help: Help text.
        work: Runs the action and returns the exit code.
        options: Creates the options that the action has for every report.
    """

    help: str
    work: Work
    options: Callable[[], list[click.Parameter]]


class ReportActions(ReportCommands):
    """A group whose commands are the reports, each a group of actions.

    The first action is the default.
    """

    def __init__(self, *args: Any, actions: Mapping[str, Action], **more: Any) -> None:
        super().__init__(*args, **more, options=self._all_options)
        self.actions = actions

    def _all_options(self) -> list[click.Parameter]:
        """Return the options of all actions, each option once."""
        return list(
            {
                option.name: option
                for action in self.actions.values()
                for option in action.options()
            }.values()
        )

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Resolve a report.

        Raises:
            ReportingError: The report does not exist or cannot be used; the message
                says where an action goes that is in its place.
        """
        try:
            return super().resolve_command(ctx, args)
        except PluginError as error:
            action, *rest = args
            reports = state_of(ctx).registry.names("report")
            if action not in self.actions or action in reports:
                raise
            given = [each for each in rest if each.partition("/")[0] in reports]
            right = f"{ctx.command_path} {(*given, 'REPORT')[0]} {action}"
            raise PluginError(f"{error}; the report comes first: {right}") from None

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the group of actions of a report.

        Raises:
            ReportingError: The report does not exist or cannot be used.
        """
        from reporting_framework.registry.reports import resolve_report

        report = resolve_report(cmd_name, state_of(ctx).registry)
        first = next(iter(self.actions))
        return _Actions(
            cmd_name,
            self.actions,
            help=(
                f"{', '.join(filter(None, (cmd_name, report.summary)))}.\n\nWithout"
                f" ACTION, {first} runs."
            ),
            subcommand_metavar="[ACTION] [OPTIONS]...",
        )


class _Actions(CommandGroup):
    """The actions of one report."""

    def __init__(self, report: str, actions: Mapping[str, Action], **more: Any) -> None:
        super().__init__(report, **more)
        self.actions = actions

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse as click does; arguments without an action go to the first action."""
        if not args or (
            args[0].startswith("-") and args[0] not in ctx.help_option_names
        ):
            args = [next(iter(self.actions)), *args]
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the actions, the one that changes least first."""
        return list(self.actions)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the action's command, with the report's settings as options."""
        if cmd_name not in self.actions:
            return None
        return action_command(
            self.name or "", self.actions[cmd_name], cmd_name, state_of(ctx)
        )


def action_command(
    report: str, action: Action, name: str, state: CliContext
) -> click.Command:
    """Return the command for one action on a report."""
    command = report_command(report, state, action.work, action.options())
    command.name, command.help, command.short_help = (
        name,
        action.help,
        action.help.partition(".")[0] + ".",
    )
    return command


def common_options(*forms: str) -> list[click.Parameter]:
    """Return the options that every action has.

    Args:
        forms: Output formats, the default first.
    """
    return [
        *(
            [
                click.Option(
                    ["--format"],
                    type=click.Choice(forms),
                    default=forms[0],
                    show_default=True,
                    help="Output format.",
                )
            ]
            if forms
            else []
        ),
        *shared_options(),
    ]


def pipeline_of(
    context: click.Context,
    report: str,
    given: Mapping[str, Any],
    sets: Sequence[str],
    columns: Columns = "stored",
) -> Pipeline:
    """Assemble a new pipeline of the report for these options.

    Args:
        context: Context of the command.
        report: Name of the report.
        given: Settings from options of their own.
        sets: Values of ``--set``.
        columns: Origin of the source's columns; a run needs ``source``.

    Raises:
        ReportingError: A setting is wrong, or a plugin cannot be used.
    """
    from reporting_framework.execution.assembly import assemble

    state = state_of(context)
    composition = state.pipeline_spec(report, given, sets)
    return assemble(report, composition, state.registry, columns=columns)


def confirmed(question: str, context: click.Context) -> bool:
    """Ask a yes-or-no question on stderr.

    Raises:
        UsageError: stdin is not a terminal and gives no answer.
    """
    return _answered(lambda: click.confirm(question, err=True), context)


def prompted(question: str, context: click.Context) -> str:
    """Ask on stderr for a text.

    Raises:
        UsageError: stdin is not a terminal and gives no answer.
    """
    return _answered(
        lambda: str(click.prompt(question, default="", show_default=False, err=True)),
        context,
    )


def _answered(ask: Callable[[], T], context: click.Context) -> T:
    try:
        return ask()
    except click.Abort:
        if sys.stdin is not None and sys.stdin.isatty():
            raise
        raise click.UsageError(
            "confirmation required, but stdin is not a terminal; pass --yes"
            " (nothing was changed)",
            context,
        ) from None
