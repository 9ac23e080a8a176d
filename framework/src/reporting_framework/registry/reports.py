"""Lookup and composition of reports, for the command line and the Lambda handler.

``REPORT/STREAM`` names one stream of a report's source; it is accepted in place of any
report name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from typing import TYPE_CHECKING, Any

from reporting_framework.errors import PluginError, ReportingError, SettingsError

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
    """Compose a report from its name and its settings in all layers.

    The result can be passed to `assembly.assemble`. The arguments after `config` are
    those of `config.resolve.resolve_settings`.

    Raises:
        PluginError: There is no such report, or its plugin cannot be used.
        SettingsError: The settings of the report are invalid.
    """
    from reporting_framework.config.resolve import resolve_settings

    def compose(name: str, **layers: Any) -> PipelineSpec:
        report = resolve_report(name, registry)
        settings = resolve_settings(
            name, report.Settings, config=config, environment=environment, **layers
        )
        return composed(report, settings)

    composition = compose(name, trigger=trigger, options=options, sets=sets)
    references = {}
    for number, check in enumerate(composition.checks):
        other = check.settings.get("report")
        if isinstance(other, str):
            try:
                references[other] = compose(other)
            except ReportingError as error:
                raise SettingsError(
                    f"report {name}: check {check.name}: {error}",
                    path=("checks", str(number), "report"),
                ) from None
    return composition._replace(references=references) if references else composition


def composed(report: Report, settings: BaseModel) -> PipelineSpec:
    """Return the composition that a report makes from its settings.

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
    if "engine" in vars(settings):
        from reporting_framework.config.engine_setting import (
            engine_of,
        )  # most runs leave the engine to the report

        engine = engine_of(settings, report.Settings)
        composition = composition._replace(engine=engine or composition.engine)
    return composition.of_stream(stream) if stream else composition


def resolve_report(name: str, registry: Registry) -> Report:
    """Return the report of this name, from a plugin or composed in a file.

    For ``REPORT/STREAM``, the report has this name too.

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
