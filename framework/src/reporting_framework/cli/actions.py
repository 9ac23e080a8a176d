"""The commands ``reporting NOUN REPORT ACTION``.

Each of them does one of several things with a report.
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

if TYPE_CHECKING:
    from reporting_framework.execution.pipeline import Pipeline

T = TypeVar("T")


class Action(NamedTuple):
    """One of the things that can be done.

    Attributes:
        help: What it does.
        work: Does it, and gives the exit code.
        options: Makes the options that it has for every report.
    """

    help: str
    work: Work
    options: Callable[[], list[click.Parameter]]


class ReportActions(ReportCommands):
    """A group whose commands are the reports, each a group of actions.

    The first one when none is named.
    """

    def __init__(self, *args: Any, actions: Mapping[str, Action], **more: Any) -> None:
        super().__init__(*args, **more, options=self._all_options)
        self.actions = actions

    def _all_options(self) -> list[click.Parameter]:
        """The options of all actions, each once."""
        return list(
            {
                option.name: option
                for action in self.actions.values()
                for option in action.options()
            }.values()
        )

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """What can be done with a report.

        Raises:
            ReportingError: There is no such report, or it cannot be used.
        """
        from reporting_framework.registry.reports import resolve_report

        report = resolve_report(cmd_name, state_of(ctx).registry)
        first = next(iter(self.actions))
        return _Actions(
            cmd_name,
            self.actions,
            help=(
                f"{', '.join(filter(None, (cmd_name, report.summary)))}.\n\n{first} is"
                " done unless another is named."
            ),
            subcommand_metavar="[ACTION] [OPTIONS]...",
        )


class _Actions(CommandGroup):
    """What can be done with one report."""

    def __init__(self, report: str, actions: Mapping[str, Action], **more: Any) -> None:
        super().__init__(report, **more)
        self.actions = actions

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As in click, but with options alone it is the first action's."""
        if not args or (
            args[0].startswith("-") and args[0] not in ctx.help_option_names
        ):
            args = [next(iter(self.actions)), *args]
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names, in the order of what they change."""
        return list(self.actions)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, with the report's settings as options."""
        if cmd_name not in self.actions:
            return None
        return action_command(
            self.name or "", self.actions[cmd_name], cmd_name, state_of(ctx)
        )


def action_command(
    report: str, action: Action, name: str, state: CliContext
) -> click.Command:
    """The command that does one thing with a report."""
    command = report_command(report, state, action.work, action.options())
    command.name, command.help, command.short_help = (
        name,
        action.help,
        action.help.partition(".")[0] + ".",
    )
    return command


def common_options(*forms: str) -> list[click.Parameter]:
    """The options that every action has.

    Args:
        forms: Forms of what is said on stdout, the usual one first.
    """
    return [
        *(
            [
                click.Option(
                    ["--format"],
                    type=click.Choice(forms),
                    default=forms[0],
                    show_default=True,
                    help="Form of what is said.",
                )
            ]
            if forms
            else []
        ),
        *shared_options(),
    ]


def pipeline_of(
    context: click.Context, report: str, given: Mapping[str, Any], sets: Sequence[str]
) -> Pipeline:
    """The report as a run with these options would have it, made afresh.

    Raises:
        ReportingError: A setting is wrong, or a plugin cannot be used.
    """
    from reporting_framework.execution.assembly import assemble

    state = state_of(context)
    composition = state.pipeline_spec(report, given, sets)
    return assemble(report, composition, state.registry)


def confirmed(question: str, context: click.Context) -> bool:
    """Ask on stderr for a yes or a no.

    Raises:
        UsageError: Nobody is there to answer.
    """
    return _answered(lambda: click.confirm(question, err=True), context)


def prompted(question: str, context: click.Context) -> str:
    """Ask on stderr for a text.

    Raises:
        UsageError: Nobody is there to answer.
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
            "nothing was changed: nobody is there to be asked; give --yes", context
        ) from None
