"""Page of the command line, from the texts of ``--help``.

The layout is made here, as click's layout is for a terminal.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator

import click

from reporting_framework.cli.actions import ReportActions
from reporting_framework.cli.commands import COMMANDS, load_commands
from reporting_framework.cli.context import CliContext
from reporting_framework.cli.exit_codes import EXIT_CODES
from reporting_framework.cli.run import ReportCommands, report_command
from reporting_framework.config.file import Config
from reporting_framework.registry.registry import Registry
from tools.docs.docstrings import literal
from tools.docs.markdown import code, page, plain, table


class _State(CliContext):
    """Invocation with the first-party plugins and without an environment."""

    def __init__(self, registry: Registry) -> None:
        super().__init__()
        self.__dict__ |= {"plugins": registry, "registry": registry, "config": Config()}


def commands_page(registry: Registry) -> str:
    """Render every command with its arguments and options."""
    state = _State(registry)
    commands = {**load_commands(), **state.commands(COMMANDS)}
    parts: list[str] = []
    for name, command in sorted(commands.items()):
        if isinstance(command, ReportActions):
            parts += _of_actions(name, command)
        elif isinstance(command, ReportCommands):
            parts += _of_reports(name, command, state, registry)
        else:
            parts += _section(f"reporting {name}", command, "##")
    return page(
        "Command line",
        "`reporting-run REPORT` and `reporting run REPORT` are the same command."
        " `--help` shows what this page shows, for all installed reports; `--version`"
        " prints the version of the framework.",
        "## Exit codes",
        table(
            ["code", "meaning"],
            [[code(str(number)), text] for number, text in EXIT_CODES.items()],
        ),
        "If several apply, 5 goes before 4, and 4 before 3. Each [error](errors.md) has"
        " an exit code.",
        *parts,
    )


def _of_reports(
    name: str, group: ReportCommands, state: CliContext, registry: Registry
) -> Iterator[str]:
    yield f"## reporting {name}"
    yield _text(group.help)
    yield f"    reporting {name} {(group.subcommand_metavar or '').removesuffix('...')}"
    generic = group.options()
    yield "Options of every report:"
    yield _options(generic)
    for report in registry.names("report"):
        command = report_command(report, state, group.work, generic)
        own = [param for param in command.params if param not in generic]
        if name == "run":
            yield f"### reporting run {report}"
            yield _text(command.help)
            yield _options(own)
    if name == "query":
        yield (
            "The options of [the query](plugins.md#queries) come first; `reporting"
            " query REPORT --list` shows them."
        )
    if name == "render":
        yield (
            "The options of [the page](plugins.md#pages) come first; `reporting render"
            " REPORT --list` shows them."
        )
    if name != "run":
        yield "The options of [the report](#reporting-run) are allowed too."


def _of_actions(name: str, group: ReportActions) -> Iterator[str]:
    yield f"## reporting {name}"
    yield _text(group.help)
    yield f"    reporting {name} {(group.subcommand_metavar or '').removesuffix('...')}"
    yield f"Without ACTION, {code(next(iter(group.actions)))} runs."
    for action_name, action in group.actions.items():
        yield f"### reporting {name} REPORT {action_name}"
        yield _text(action.help)
        yield _options(action.options())
    yield "And those of [the report](#reporting-run)."


def _section(title: str, command: click.Command, level: str) -> Iterator[str]:
    """Render a command, or a group and its commands."""
    arguments = [
        (param.name or "").upper()
        for param in command.params
        if isinstance(param, click.Argument)
    ]
    yield f"{level} {title}"
    yield _text(command.help)
    if isinstance(command, click.Group):
        for name, command_name in sorted(command.commands.items()):
            yield from _section(f"{title} {name}", command_name, f"{level}#")
        return
    yield f"    {' '.join([title, *arguments, '[OPTIONS]'])}"
    for argument in command.params:
        if isinstance(argument, click.Argument) and (choices := _choices(argument)):
            yield f"{(argument.name or '').upper()}:{choices}"
    yield _options(command.params)


def _text(text: str | None) -> str:
    """Return help as paragraphs."""
    paragraphs = inspect.cleandoc((text or "").replace("\b", "")).split("\n\n")
    sentences = [
        plain(literal(" ".join(paragraph.split()))) for paragraph in paragraphs
    ]
    return "\n\n".join(
        sentence if sentence.endswith((".", ":")) else f"{sentence}."
        for sentence in sentences
        if sentence
    )


def _options(parameters: list[click.Parameter]) -> str:
    rows = [
        _option(parameter)
        for parameter in parameters
        if isinstance(parameter, click.Option) and not parameter.hidden
    ]
    return table(["option", "", "default"], rows)


def _option(option: click.Option) -> list[str]:
    flags = ", ".join(option.opts) + "".join(
        f" / {name}" for name in option.secondary_opts
    )
    if not option.is_flag and not isinstance(option.type, click.Choice):
        flags += f" {option.metavar or option.type.name.upper()}"
    text, default = option.help or "", ""
    if option.show_default and option.default is not None:
        default = str(option.default)
    if match := re.search(r"\s*\[(.*)\]\Z", text):
        text, notes = text[: match.start()], match[1].split("; ")
        default = "; ".join(note.removeprefix("default: ") for note in notes)
    if option.required:
        default = "required"
    return [code(flags) + _choices(option), plain(literal(text)), plain(default)]


def _choices(parameter: click.Parameter) -> str:
    kind = parameter.type
    return (
        f" {' or '.join(code(str(choice)) for choice in kind.choices)}"
        if isinstance(kind, click.Choice)
        else ""
    )
