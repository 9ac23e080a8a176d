"""The way from a report's name to its composition.

The command line and a Lambda handler share it. ``REPORT/STREAM`` names one stream of a
report's source, wherever a report is named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any

from reporting_framework.errors import PluginError, ReportingError

if TYPE_CHECKING:
    from pydantic import BaseModel

    from reporting_framework.config.file import Config
    from reporting_framework.plugin_api.report import PipelineSpec, Report
    from reporting_framework.registry.registry import Registry


def compose_report(
    name: str,
    registry: Registry,
    config: Config,
    *,
    environment: Mapping[str, str],
    trigger: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
    sets: Sequence[str] = (),
) -> PipelineSpec:
    """Compose a report from its name and everything that sets it.

    The composition is ready for `pipeline.assemble`.

    The arguments after `config` are those of `config.resolve.resolve_settings`.

    Raises:
        PluginError: There is no such report, or its plugin cannot be used.
        SettingsError: Its settings are not what it takes.
    """
    from reporting_framework.config.resolve import resolve_settings

    report = resolve_report(name, registry)
    settings = resolve_settings(
        name,
        report.Settings,
        config=config,
        environment=environment,
        trigger=trigger,
        options=options,
        sets=sets,
    )
    return composed(report, settings)


def composed(report: Report, settings: BaseModel) -> PipelineSpec:
    """The composition that a report makes of its settings.

    Raises:
        PluginError: The report raised an error of its own.
    """
    _, _, stream = report.name.partition("/")
    try:
        composition = report.compose(settings)
    except ReportingError:
        raise
    except Exception as error:
        raise PluginError(
            f"report {report.name}: its compose raised {type(error).__name__}"
        ) from error
    return composition.of_stream(stream) if stream else composition


def resolve_report(name: str, registry: Registry) -> Report:
    """The report of that name, from a plugin or composed in a file.

    One stream of it is a report of its own name.

    Raises:
        PluginError: There is no such report, or its plugin cannot be used.
    """
    own, _, stream = name.partition("/")
    found = registry.find("report", own)
    report: Report = found() if isinstance(found, type) else found
    if stream:
        report = copy(report)
        report.name = name  # type: ignore[misc]  # each stream has its own
        report.table = ()  # type: ignore[misc]  # a name of one table
    return report
