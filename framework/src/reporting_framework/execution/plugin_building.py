"""Plugins built from the names and the settings of a composition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from reporting_framework._text.messages import redacted
from reporting_framework.execution.plugin_errors import Owner, build
from reporting_framework.plugin_api.result import Step

if TYPE_CHECKING:
    from reporting_framework.execution.shared_reading import SharedReading
    from reporting_framework.plugin_api.report import PipelineSpec, PluginRef
    from reporting_framework.registry.registry import Registry


def plugin_of(report: str, role: str, use: PluginRef, registry: Registry) -> Any:
    """Build a plugin with its settings, and guard it.

    Raises:
        PluginError: It is unknown, broken or blocked.
        SettingsError: The settings are invalid.
        StepFailed: It raised an error of its own.
    """
    plugin = registry.find(role, use.name)
    return build(
        Owner(report, role, use.name), plugin, settings_of(report, role, use, plugin)
    )


def source_of(
    report: str,
    composition: PipelineSpec,
    registry: Registry,
    reading: SharedReading | None = None,
) -> Any:
    """Build the source, which may be that of one stream."""
    use = composition.source
    plugin = registry.find("source", use.name)
    if composition.stream is not None and plugin.reads_streams_together:
        from reporting_framework.execution.stream_source import (
            stream_source,
        )  # other sources do not need it

        plugin = stream_source(plugin, reading)
    return build(
        Owner(report, "source", use.name),
        plugin,
        settings_of(report, "source", use, plugin),
    )


def settings_of(report: str, role: str, use: PluginRef, plugin: Any) -> Any:
    """Validate the settings that a composition gives a plugin, by the plugin's model.

    Raises:
        SettingsError: The settings are invalid.
    """
    try:
        return plugin.Settings.model_validate(dict(use.settings))
    except ValidationError as error:
        from reporting_framework.config.error_messages import (
            to_settings_error,
        )  # only errors need it

        problem = to_settings_error(
            f"report {report}: {role} {use.name}", plugin.Settings, error
        )
        raise problem from None  # the original holds values, perhaps a secret


def plugin_refs(composition: PipelineSpec) -> list[tuple[str, PluginRef]]:
    """Return the plugins of a composition with their roles, in the order of data."""
    return [
        ("source", composition.source),
        ("validator", composition.validator),
        *(("transform", use) for use in composition.transforms),
        *(("sink", use) for use in composition.sinks),
        ("engine", composition.engine),
    ]


def step_of(role: str, use: PluginRef, registry: Registry) -> Step:
    """Return a plugin of a composition as the result of a run names it."""
    origin = registry.origin(role, use.name)
    return Step(
        role=role,
        name=use.name,
        distribution=origin.distribution,
        version=origin.version,
    )


def place_of(composition: PipelineSpec, sink: str) -> str:
    """Return the place of a sink's rows as text for messages, such as `` at URI``.

    Returns an empty text if the settings have no ``uri`` and no ``table``.
    """
    places = (
        use.settings.get("uri") or use.settings.get("table")
        for use in composition.sinks
        if use.name == sink
    )
    uri = next(places, None)
    return f" at {redacted(uri)}" if isinstance(uri, str) else ""
