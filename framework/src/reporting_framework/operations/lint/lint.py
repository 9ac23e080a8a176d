"""Checks of a configuration file, its reports, and the environment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, NamedTuple

from reporting_framework._text.messages import did_you_mean, one_line
from reporting_framework.config.layers import variable
from reporting_framework.errors import MESSAGE_LIMIT, ReportingError
from reporting_framework.operations.lint.document import Document
from reporting_framework.operations.lint.environment import environment_problems
from reporting_framework.operations.lint.observers import observer_problems
from reporting_framework.operations.lint.places import Report, check_places
from reporting_framework.operations.lint.problem import Problem, Severity
from reporting_framework.operations.lint.report import EXAMPLE_STREAM, check_report
from reporting_framework.plugin_api.report import STREAM
from reporting_framework.registry.reports import resolve_report

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reporting_framework.config.file import Config
    from reporting_framework.registry.registry import Registry


class Linted(NamedTuple):
    """Result of all checks.

    Attributes:
        problems: The problems, in the order of the file.
        reports: Names of the reports that were checked.
    """

    problems: Sequence[Problem]
    reports: Sequence[str]


def lint(
    path: FilePath | None,
    registry: Registry,
    environment: Mapping[str, str],
    names: Sequence[str] = (),
) -> Linted:
    """Check a configuration file, its reports and the environment.

    Nothing is opened or looked up. Models that settings name are imported.

    Args:
        path: The configuration file, if there is one.
        registry: The installed plugins; the reports of the file are added.
        environment: The environment variables.
        names: Reports to check; empty: all reports in the file, the installed reports
            that have settings, and the environment.

    Raises:
        PluginError: A report of `names` does not exist.
    """
    document = Document(path)
    config = document.config
    registry.add_reports(config)
    known = registry.names("report")
    for name in names:
        if name not in known:
            registry.find("report", name)  # raises
    problems = list(document.problems)

    def add(
        report: str, severity: Severity, setting: Sequence[str], message: str
    ) -> None:
        message = message.replace(EXAMPLE_STREAM, STREAM)
        problem = _in_environment(environment, report, severity, setting, message)
        if problem is None:
            kind = "reports" if report in config.tables else "settings"
            path = (kind, report, *setting)
            problem = document.problem(severity, report, path, message)
        problems.append(problem)

    chosen = list(names) or list(_used(config, known, environment))
    reports = []
    for name in chosen:
        add_to = partial(add, name)
        parts = check_report(add_to, name, registry, config, environment)
        reports.append(Report(name, add_to, parts))
    check_places(reports)
    if not names:
        problems += _unknown_reports(document, known)
        problems += environment_problems(environment, registry, known)
        problems += observer_problems(document, registry, environment)
        problems += _unusable(registry, known)
    unique = dict.fromkeys(problems)
    return Linted(sorted(unique, key=lambda problem: problem.order), chosen)


def _in_environment(
    environment: Mapping[str, str],
    report: str,
    severity: Severity,
    setting: Sequence[str],
    message: str,
) -> Problem | None:
    """Return the problem if the setting comes from an environment variable."""
    for end in range(len(setting), 0, -1):
        name = variable(report, setting[:end])
        if name in environment:
            text = one_line(message, MESSAGE_LIMIT)
            return Problem(severity, text, report, variable=name)
    return None


def _used(
    config: Config, known: Sequence[str], environment: Mapping[str, str]
) -> Iterator[str]:
    """Yield the reports of the file, then the installed ones that have settings."""
    yield from config.tables
    variables = {name.partition("__")[0] for name in environment if "__" in name}
    for name in known:
        given = name in config.settings or variable(name, ()) in variables
        if name not in config.tables and given:
            yield name


def _unusable(registry: Registry, known: Sequence[str]) -> Iterator[Problem]:
    """Yield the installed reports that cannot be imported."""
    for name in known:
        try:
            resolve_report(name, registry).Settings  # noqa: B018 - may be imported late
        except ReportingError as error:
            yield Problem("error", str(error), name)


def _unknown_reports(document: Document, known: Sequence[str]) -> Iterator[Problem]:
    """Yield the tables of settings whose report does not exist."""
    for name in document.config.settings:
        if name not in known:
            near = did_you_mean(name, known)
            yield document.problem(
                "error" if near else "warning",
                name,
                ("settings", name),
                f"[settings.{name}]: there is no such report"
                f"{near or '; install it, or remove the table'}",
            )
