"""Selection of the stream that a pipeline reads; a source with streams needs one."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from reporting_framework.errors import SettingsError
from reporting_framework.execution.plugin_building import plugin_of, settings_of
from reporting_framework.execution.validator_binding import Columns, stored_schema
from reporting_framework.plugin_api.base import supports

if TYPE_CHECKING:
    from reporting_framework.metadata.store import MetadataStore
    from reporting_framework.plugin_api.report import PipelineSpec
    from reporting_framework.plugin_api.source import Source
    from reporting_framework.registry.registry import Registry


def select_stream(report: str, composition: PipelineSpec, source: Source) -> None:
    """Select the stream to read, if the source has streams.

    Raises:
        SettingsError: The composition names no stream of a source with streams, or a
            stream that the source does not have.
    """
    stream, streams = composition.stream, source.streams()
    if stream is None and not streams:
        return
    if stream is None or stream not in streams:
        own = report.partition("/")[0]
        problem = "none is named" if stream is None else f"it has no {stream!r}"
        known = f"streams {', '.join(streams)}" if streams else "no streams"
        advice = f"give one, as in {own}/{streams[0]}" if streams else f"give {own}"
        raise SettingsError(
            f"report {report}: source {source.name} has {known}, and {problem};"
            f" {advice}"
        )
    source.select_stream(stream)


def select_known_stream(
    report: str,
    composition: PipelineSpec,
    source: Source,
    metadata: MetadataStore | None,
    columns: Columns,
) -> None:
    """Select the stream; ask the source only if no run has read the stream."""
    name = composition.stream
    if columns == "offline" or (name is not None and stored_schema(metadata)):
        if name is not None:
            source.select_stream(name)
        return
    select_stream(report, composition, source)


def may_have_streams(
    report: str, composition: PipelineSpec, registry: Registry
) -> bool:
    """Return whether the source has streams, as far as its settings say."""
    use = composition.source
    plugin = registry.find("source", use.name)
    if composition.stream is not None or not supports(plugin, "streams"):
        return False
    settings = settings_of(report, "source", use, plugin)
    declared: Sequence[str] | None = plugin.declared_streams(settings)
    return declared is None or len(declared) > 0


def refuse_streams(report: str, composition: PipelineSpec, registry: Registry) -> None:
    """Raise `SettingsError` if the source has streams, and none is selected."""
    use = composition.source
    plugin = registry.find("source", use.name)
    if composition.stream is None and supports(plugin, "streams"):
        with closing(plugin_of(report, "source", use, registry)) as source:
            select_stream(report, composition, source)
