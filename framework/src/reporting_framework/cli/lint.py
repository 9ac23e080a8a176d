"""``reporting lint [REPORT]...``: problems that can be known before a run."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from reporting_framework.cli.context import state_of
from reporting_framework.cli.exit_codes import DONE, FAILED
from reporting_framework.cli.failures import write
from reporting_framework.cli.list import config_option
from reporting_framework.cli.standard_streams import escape_control_chars
from reporting_framework.config.file import find_config

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from reporting_framework.operations.lint import Linted, Problem

_LEVELS = {"error": "error", "warning": "warning", "hint": "notice"}
"""Levels of annotations in GitHub Actions, by severity."""


class _Reports(click.ParamType[str]):
    """Name of a report, with completion in a shell."""

    name = "report"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return names of reports."""
        from click.shell_completion import CompletionItem

        rows = state_of(ctx).reports()[0]
        return [
            CompletionItem(row.name, help=row.summary)
            for row in rows
            if row.name.startswith(incomplete)
        ]


@click.command("lint")
@click.argument("reports", nargs=-1, type=_Reports(), metavar="[REPORT]...")
@click.option("--strict", is_flag=True, help="Exit with 1 for warnings too.")
@config_option
@click.option(
    "--format",
    "format_",
    type=click.Choice(["text", "json", "github"]),
    default="text",
    show_default=True,
    help="Output format; github: annotations of a workflow.",
)
@click.pass_context
def lint_command(
    context: click.Context,
    reports: Sequence[str],
    config: str | None,
    format_: str,
    strict: bool,
) -> None:
    """Find problems in reporting.toml, without a run.

    Checks all reports in the file, the installed reports that have settings, and the
    environment. Nothing is read or written, and there is no network access. Exits with
    1 if there is an error.
    """
    from reporting_framework.operations.lint import lint

    state = state_of(context)
    state.given_config = config
    path = find_config(config, os.environ)
    linted = lint(path, state.plugins, os.environ, reports)
    severities = Counter[str](problem.severity for problem in linted.problems)
    write(_text(linted, severities, format_))
    failed = severities["error"] or (strict and severities["warning"])
    context.exit(FAILED if failed else DONE)


def _text(linted: Linted, severities: Counter[str], format_: str) -> str:
    if format_ == "json":
        rows = [_row(problem) for problem in linted.problems]
        return json.dumps(rows, indent=2, ensure_ascii=False)
    line = _line if format_ == "text" else _annotation
    lines = [line(problem) for problem in linted.problems]
    return "\n".join([*lines, _summary(linted, severities)])


def _row(problem: Problem) -> dict[str, object]:
    return {
        "severity": problem.severity,
        "report": problem.report or None,
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "variable": problem.variable,
        "path": list(problem.path),
        "message": problem.message,
    }


def _line(problem: Problem) -> str:
    place = f"{problem.place}: " if problem.place else ""
    return escape_control_chars(f"{place}{problem.severity}: {problem.message}")


def _annotation(problem: Problem) -> str:
    """Return a workflow command of GitHub Actions."""
    properties = {
        "file": problem.file,
        "line": problem.line,
        "col": problem.column,
        "title": f"reporting lint: {problem.report}" if problem.report else None,
    }
    given = ",".join(
        f"{name}={_escaped(str(value)).replace(':', '%3A').replace(',', '%2C')}"
        for name, value in properties.items()
        if value is not None
    )
    return f"::{_LEVELS[problem.severity]} {given}::{_escaped(problem.message)}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _summary(linted: Linted, severities: Counter[str]) -> str:
    counted = _number(len(linted.reports), "report")
    if not linted.problems:
        return f"no problems; checked {counted}"
    found = ", ".join(
        _number(number, severity) for severity, number in severities.items() if number
    )
    return f"{found}; checked {counted}"


def _number(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
