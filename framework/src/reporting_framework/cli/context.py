"""What the commands of one invocation share, made when it is first asked for."""

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


class CliContext:
    """One invocation of the command line.

    Attributes:
        arguments: What followed the program's name.
        given_config: What ``--config`` says.
        verbose: Whether messages of unexpected errors are shown.
        began: When it began, as `time.monotonic()` tells the time.
    """

    def __init__(self, arguments: Sequence[str] = ()) -> None:
        self.arguments = list(arguments)
        self.given_config: str | None = None
        self.verbose = False
        self.began = time.monotonic()
        self._commands: dict[str, click.Command] | None = None

    @cached_property
    def config(self) -> Config:
        """The configuration file.

        Raises:
            SettingsError: It is not there, or is damaged.
        """
        return read_config(find_config(self.given_config, os.environ))

    @cached_property
    def registry(self) -> Registry:
        """The plugins, and the reports that the configuration file composes.

        Raises:
            SettingsError: The configuration file is not there, or is damaged.
        """
        registry = self.plugins
        registry.add_reports(self.config)
        return registry

    @cached_property
    def plugins(self) -> Registry:
        """The plugins alone."""
        from reporting_framework.registry.discovery import allow_list
        from reporting_framework.registry.registry import load_plugins

        return load_plugins(allow_list(os.environ))

    def pipeline_spec(
        self, report: str, options: Mapping[str, Any], sets: Sequence[str]
    ) -> PipelineSpec:
        """Resolve the pipeline of a report under these options.

        Args:
            report: Name of the report.
            options: Settings that were given as options of their own.
            sets: What ``--set`` says.

        Raises:
            ReportingError: A setting is wrong, or a plugin cannot be used.
        """
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
        """The commands of plugins, by name; they are asked for them once.

        Args:
            taken: Names of the framework's own.
        """
        if self._commands is None:
            offered = self.plugins.commands(taken)
            self._commands = {
                command.name: command for command in offered if command.name
            }
        return self._commands

    def reports(self) -> tuple[list[PluginInfo], str]:
        """The reports there are.

        And what is wrong with the configuration file, where something is.
        """
        try:
            registry, problem = self.registry, ""
        except ReportingError as error:
            registry, problem = self.plugins, str(error)
        return [row for row in registry.listing if row.role == "report"], problem


def state_of(context: click.Context) -> CliContext:
    """The state of the invocation that a context belongs to."""
    return context.ensure_object(CliContext)
