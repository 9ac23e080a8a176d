"""Pipeline: the plugins of a report, ready to run, their opening and closing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from reporting_framework._text.commands import prefixed
from reporting_framework.execution.plugin_errors import (
    Owner,
    build,
    guard,
    log_errors,
)
from reporting_framework.plugin_api.result import Step

if TYPE_CHECKING:
    import polars as pl

    from reporting_framework.execution.early_start import EarlyStart
    from reporting_framework.execution.report_checks import ReportChecks
    from reporting_framework.execution.source_schema import SourceSchema
    from reporting_framework.metadata.history import RunHistory
    from reporting_framework.metadata.store import MetadataStore
    from reporting_framework.plugin_api.engine import Engine
    from reporting_framework.plugin_api.metadata import MetadataLocation
    from reporting_framework.plugin_api.records import WriteMode
    from reporting_framework.plugin_api.sink import Sink
    from reporting_framework.plugin_api.source import Source
    from reporting_framework.plugin_api.traffic import TrafficCounts
    from reporting_framework.plugin_api.transform import Transform
    from reporting_framework.plugin_api.validator import Validator


NO_METADATA = (
    "it keeps no quarantine, hints or history, since none of its sinks has a place for"
    " them; set the report's metadata to the URI of a folder to keep them"
)
"""Explanation for a report without a metadata store, with the fix."""

_CLOSING = "while closing"


class Pipeline(NamedTuple):
    """Report ready to run. Its plugins are guarded: their errors name them.

    Attributes:
        report: Name of the report.
        schema: Schema of the frames that reach the sinks.
        pushed: Whether a trigger named the work, and delivers it again if it is not
            taken.
        steps: Plugins of the report, with their distributions.
        sources: Summaries of the installed sources, by name.
        write_modes: Write mode of each sink; ``append`` if not given.
        words: Words that a suggested command on the report needs after its action, such
            as the options that were given, quoted for a shell.
        metadata: Metadata store of the report, if it has a place for one.
        checks: Checks of the report, if it has any.
        source_schema: Columns of the source, if it knows them.
        primary_key: Primary key of the source as the last run stored it; `None`: the
            source is asked.
        early: Requests that have begun, `None` if the run begins with none.
        traffic: Requests and bytes of its assembly, to which its run adds.
    """

    report: str
    source: Source
    validator: Validator
    transforms: Sequence[Transform]
    sinks: Sequence[Sink]
    engine: Engine
    schema: pl.Schema
    pushed: bool = False
    steps: Sequence[Step] = ()
    sources: Mapping[str, str] = {}
    write_modes: Sequence[WriteMode] = ()
    words: str = ""
    metadata: MetadataStore | None = None
    checks: ReportChecks | None = None
    source_schema: SourceSchema | None = None
    primary_key: Sequence[str] | None = None
    early: EarlyStart | None = None
    traffic: TrafficCounts | None = None

    @property
    def history(self) -> RunHistory | None:
        """History of the report's runs, or `None` if it keeps none."""
        return self.metadata.history if self.metadata is not None else None

    @property
    def modes(self) -> Sequence[WriteMode]:
        """Write mode of each sink."""
        return self.write_modes or ["append"] * len(self.sinks)

    @property
    def appends(self) -> bool:
        """True if the write mode of all sinks is ``append``."""
        return set(self.modes) == {"append"}

    def open_sink(self, sink: Sink, mode: WriteMode) -> None:
        """Open a sink for the rows of the report."""
        key = self.primary_key
        sink.open(self.schema, mode, self.source.primary_key if key is None else key)

    def open_sinks(self) -> Iterator[Sink]:
        """Open the sinks one by one."""
        for sink, mode in zip(self.sinks, self.modes, strict=True):
            self.open_sink(sink, mode)
            yield sink

    def command(self, noun: str, action: str) -> str:
        """Return a command on this report, as text for a shell."""
        words = ["reporting", noun, self.report, action, self.words]
        return prefixed(" ".join(words).rstrip())

    def guarded(self) -> Pipeline:
        """Return the pipeline with each plugin guarded, see `plugin_errors`."""

        def guarded(role: str, plugin: Any) -> Any:
            return guard(plugin, Owner(self.report, role, plugin.name))

        return self._replace(
            source=guarded("source", self.source),
            validator=guarded("validator", self.validator),
            transforms=[
                guarded("transform", transform) for transform in self.transforms
            ],
            sinks=[guarded("sink", sink) for sink in self.sinks],
            engine=guarded("engine", self.engine),
            metadata=guard(self.metadata, Owner(self.report, "metadata", "store")),
        )


def metadata_of(
    report: str, uri: str | None, sinks: Sequence[Sink]
) -> MetadataStore | None:
    """Return the metadata store of a report, or `None` if it has no place for one.

    Args:
        report: Name of the report.
        uri: Setting `metadata` of the report.
        sinks: Sinks of the report, guarded.

    Raises:
        LocationError: The place cannot be used.
    """
    location = metadata_location(report, uri, sinks)
    if location is None:
        return None
    from reporting_framework.metadata.store import (
        MetadataStore,
    )  # a report without one does not need it

    def versions() -> list[tuple[str, str | None]]:
        known = (sink.output_versions() for sink in sinks)
        return [output for of_sink in known for output in sorted(of_sink.items())]

    return build(Owner(report, "metadata", "store"), MetadataStore, location, versions)


def metadata_location(
    report: str, uri: str | None, sinks: Sequence[Sink]
) -> MetadataLocation | None:
    """Return the place of a report's metadata; see `metadata_of`."""
    if uri is not None:
        from reporting_framework.plugin_api.metadata import MetadataLocation

        return MetadataLocation(uri, report)
    locations = (sink.metadata_location() for sink in sinks)
    return next((location for location in locations if location is not None), None)


def close(pipeline: Pipeline) -> None:
    """Close all open parts of a pipeline, even if closing one of them fails.

    Errors of closing are logged: they neither undo a commit nor hide the error of a
    run. Ctrl-C is raised again at the end.
    """
    with ExitStack() as closing:  # in reverse order
        if pipeline.checks is not None:
            closing.callback(log_errors, pipeline.checks.close, _CLOSING)
        if pipeline.metadata is not None:
            closing.callback(log_errors, pipeline.metadata.close, _CLOSING)
        for sink in reversed(pipeline.sinks):
            closing.callback(log_errors, sink.close, _CLOSING)
        for part in (*reversed(pipeline.transforms), pipeline.validator):
            closing.callback(log_errors, part.close, _CLOSING)
        closing.callback(close_source, pipeline)
        closing.callback(log_errors, pipeline.engine.close, _CLOSING)


def close_source(pipeline: Pipeline) -> None:
    """Close the source of a pipeline whose sinks are still needed; see `close`."""
    if pipeline.early is not None:
        pipeline.early.cancel()
    log_errors(pipeline.source.close, _CLOSING)


@contextmanager
def prepared(pipeline: Pipeline, *, changing: bool = False) -> Iterator[Sequence[Sink]]:
    """Open the sinks of a report for a block, then close the whole pipeline.

    Args:
        pipeline: The report.
        changing: Whether the block changes the report's data. If so, a reset that was
            killed is finished first.
    """
    try:
        for _ in pipeline.open_sinks():
            pass
        if changing and pipeline.metadata is not None:
            pipeline.metadata.finish_reset(pipeline.sinks, by_hand=False)
        yield pipeline.sinks
    finally:
        close(pipeline)
