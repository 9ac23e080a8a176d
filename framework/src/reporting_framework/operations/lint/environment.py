"""Environment variables and plugins that a configuration relies on."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from reporting_framework._text.messages import did_you_mean
from reporting_framework.config.layers import variable
from reporting_framework.config.variables import PREFIX, unread_variables
from reporting_framework.operations.lint.problem import Problem

if TYPE_CHECKING:
    from reporting_framework.registry.registry import Registry


def environment_problems(
    environment: Mapping[str, str], registry: Registry, reports: Sequence[str]
) -> list[Problem]:
    """Return variables that nothing reads, and plugins that cannot be used.

    Args:
        environment: The environment variables.
        registry: The plugins and reports.
        reports: Names of all reports.
    """
    problems = [
        Problem(
            "warning",
            f"environment variable {name}: nothing reads it{near or ';'}"
            + ("" if near else " remove it"),
            variable=name,
        )
        for name, near in unread_variables(environment, _published(registry))
    ]
    variables = {variable(name, ()): name for name in reports}
    for name in sorted(environment):
        owner, separator, _ = name.partition("__")
        if name.startswith(PREFIX) and separator and owner not in variables:
            near = did_you_mean(owner, list(variables), PREFIX)
            problems.append(
                Problem(
                    "warning",
                    f"environment variable {name}: there is no such"
                    f" report{near or '; remove it'}",
                    variable=name,
                )
            )
    return problems + _plugin_problems(registry)


def _plugin_problems(registry: Registry) -> list[Problem]:
    blocked = {row.distribution for row in registry.listing if row.status == "blocked"}
    problems = [
        Problem(
            "warning",
            f"REPORTING_PLUGINS names {name}, which is not"
            f" installed{did_you_mean(name, sorted(blocked)) or '; install it'}",
            variable="REPORTING_PLUGINS",
        )
        for name in registry.uninstalled
    ]
    return problems + [
        Problem("warning", f"plugin {row.name} of {row.distribution}: {row.reason}")
        for row in registry.listing
        if row.status == "broken" and row.distribution not in registry.uninstalled
    ]


def _published(registry: Registry) -> Collection[str]:
    """Return the variables that plugins read."""
    return registry.variables
