"""State that the commands of one invocation share, created on first use."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import click

from reporting_framework.config.file import Config, find_config, read_config
from reporting_framework.errors import ReportingError

if TYPE_CHECKING:
    from reporting_framework.plugin_api.report import PipelineSpec
    from reporting_framework.registry.plugin_info import PluginInfo
    from reporting_framework.registry.registry import Registry

LOCAL = "local"
"""Name of the engine that reports use unless they choose another one."""


class CliContext:
    """One invocation of the command line.

    Attributes:
        arguments: Arguments after the program's name.
        given_config: Value of ``--config``.
        verbose: Show messages of unexpected errors.
        began: Start of the invocation, by `time.monotonic()`.
        engine: Engine of a run that would otherwise use the engine `local`, unless
            ``--engine`` names that.
    """

    def __init__(
        self, arguments: Sequence[str] = (), *, engine: str | None = None
    ) -> None:
        self.arguments = list(arguments)
        self.engine = engine
        self.given_config: str | None = None
        self.verbose = False
        self.began = time.monotonic()
        self._commands: dict[str, click.Command] | None = None

    @cached_property
    def config(self) -> Config:
        """The configuration file.

        Raises:
            SettingsError: The file does not exist or is damaged.
        """
        return read_config(find_config(self.given_config, os.environ))

    @cached_property
    def registry(self) -> Registry:
        """The plugins, and the reports that the configuration file composes.

        Raises:
            SettingsError: The configuration file does not exist or is damaged.
        """
        registry = self.plugins
        registry.add_reports(self.config)
        return registry

    @cached_property
    def plugins(self) -> Registry:
        """The plugins without the reports of the configuration file."""
        from reporting_framework.registry.discovery import allow_list
        from reporting_framework.registry.registry import load_plugins

        return load_plugins(allow_list(os.environ))

    def pipeline_spec(
        self, report: str, options: Mapping[str, Any], sets: Sequence[str]
    ) -> PipelineSpec:
        """Resolve the pipeline of a report under these options.

        Args:
            report: Name of the report.
            options: Settings from options of their own.
            sets: Values of ``--set``.

        Raises:
            ReportingError: A setting is wrong, or a plugin cannot be used.
        """
        spec = self._composed(report, options, sets)
        if self.engine and spec.engine.name == LOCAL and "engine" not in options:
            spec = self._composed(report, {**options, "engine": self.engine}, sets)
        return spec

    def _composed(
        self, report: str, options: Mapping[str, Any], sets: Sequence[str]
    ) -> PipelineSpec:
        from reporting_framework.registry.reports import compose_report

        return compose_report(
            report,
            self.registry,
            self.config,
            environment=os.environ,
            options=options,
            sets=sets,
        )

    def commands(self, taken: Collection[str]) -> dict[str, click.Command]:
        """Return the plugins' commands by name; ask the plugins only once.

        Args:
            taken: Names of the framework's own commands.
        """
        if self._commands is None:
            offered = self.plugins.commands(taken)
            self._commands = {
                command.name: command for command in offered if command.name
            }
        return self._commands

    def reports(self) -> tuple[list[PluginInfo], str]:
        """Return the reports, and the configuration file's problem or an empty string.

        With a problem, only the reports of plugins are returned.
        """
        try:
            registry, problem = self.registry, ""
        except ReportingError as error:
            registry, problem = self.plugins, str(error)
        return [row for row in registry.listing if row.role == "report"], problem


def state_of(context: click.Context) -> CliContext:
    """Return the state of the invocation that a context belongs to."""
    return context.ensure_object(CliContext)
