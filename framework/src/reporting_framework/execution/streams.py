"""Assembly and run of a report: one pipeline, or one for each stream of its source.

A stream's run is an ordinary run of the report ``REPORT/STREAM``, with rows, state and
metadata of its own; see `stream_runs`.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from reporting_framework.errors import (
    ConfigurationError,
    PluginError,
    ReportingError,
    SettingsError,
    TriggerError,
)
from reporting_framework.execution.assembly import assemble
from reporting_framework.execution.pipeline import close, metadata_of
from reporting_framework.execution.plugin_building import plugin_of
from reporting_framework.execution.run_traffic import with_traffic
from reporting_framework.execution.runner import run
from reporting_framework.plugin_api.base import supports
from reporting_framework.plugin_api.report import STREAM
from reporting_framework.plugin_api.traffic import TrafficCounts, counting

if TYPE_CHECKING:
    from reporting_framework.execution.pipeline import Pipeline
    from reporting_framework.execution.shared_reading import SharedReading
    from reporting_framework.plugin_api.records import Trigger
    from reporting_framework.plugin_api.report import PipelineSpec, PluginRef
    from reporting_framework.plugin_api.result import RunResult
    from reporting_framework.registry.observers import Lifecycle, NotesOf
    from reporting_framework.registry.registry import Registry

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


class Assembled(NamedTuple):
    """Report ready to run.

    Attributes:
        report: Name of the report.
        pipelines: The only pipeline, under `None`, or the pipelines of the streams by
            their names; an error if a stream could not be assembled.
        at_once: Number of streams to read at once.
        reading: Reading for all streams, if the source reads them together.
        traffic: Requests and bytes of the assembly that belong to no single stream.
    """

    report: str
    pipelines: Mapping[str | None, Pipeline | ReportingError]
    at_once: int = 1
    reading: SharedReading | None = None
    traffic: TrafficCounts | None = None

    def map(self, change: Callable[[Pipeline], Pipeline]) -> Assembled:
        """Return the report with `change` applied to each pipeline."""
        return self._replace(
            pipelines={
                stream: each if isinstance(each, ReportingError) else change(each)
                for stream, each in self.pipelines.items()
            }
        )


def assemble_all(
    report: str,
    composition: PipelineSpec,
    registry: Registry,
    *,
    trigger: Trigger | None = None,
    lifecycle: Lifecycle | None = None,
    early: bool = False,
) -> Assembled:
    """Assemble a report: its only pipeline, or one pipeline for each stream.

    Args:
        report: Name of the report.
        composition: Specification of its pipeline.
        registry: The plugins.
        trigger: Trigger of the run.
        lifecycle: Observers of the run. They learn of a source that cannot be reached:
            its columns are looked up before the run starts.
        early: See `assembly.assemble`; the pipelines of streams begin nothing early.

    Raises:
        ReportingError: As `assembly.assemble`. If the assembly of one stream fails for
            a reason other than its configuration, the others are still assembled.
    """
    traffic = TrafficCounts()
    try:
        with counting(traffic):
            assembled = _assemble_all(
                report, composition, registry, trigger, early=early
            )
        return assembled._replace(traffic=traffic)
    except (PluginError, SettingsError, TriggerError):
        raise
    except ReportingError as error:
        if lifecycle is not None:
            lifecycle.run_failed(
                report=report,
                run_id=uuid.uuid4().hex,
                error=error,
                notes=_notes_of(report, composition, registry),
            )
        raise


def _notes_of(
    report: str, composition: PipelineSpec, registry: Registry
) -> NotesOf | None:
    """Return the notes of observers about a report that cannot be assembled.

    Streams have notes of their own, so there are none for a report with streams.
    """
    if STREAM in str([use.settings for use in composition.sinks]):
        return None
    try:
        with ExitStack() as opened:
            sinks = []
            for use in composition.sinks:
                sinks.append(plugin_of(report, "sink", use, registry))
                opened.callback(sinks[-1].close)
            metadata = metadata_of(report, composition.metadata, sinks)
    except Exception:  # the report fails for another reason
        return None
    return metadata.notes if metadata is not None else None


def _assemble_all(
    report: str,
    composition: PipelineSpec,
    registry: Registry,
    trigger: Trigger | None,
    *,
    early: bool,
) -> Assembled:
    streams, at_once = streams_of(report, composition, registry)
    if not streams:
        only = assemble(report, composition, registry, trigger=trigger, early=early)
        return Assembled(report, {None: only})
    reading = _reading_of(report, composition, registry, streams)
    pipelines: dict[str | None, Pipeline | ReportingError] = {}
    with ExitStack() as unused:
        for stream in streams:
            name, part = f"{report}/{stream}", composition.of_stream(stream)
            try:
                pipelines[stream] = made = assemble(
                    name, part, registry, trigger=trigger, reading=reading
                )
                unused.callback(close, made)
            except ConfigurationError:
                raise
            except ReportingError as error:
                pipelines[stream] = error
        unused.pop_all()
    if reading is not None:
        at_once = len(streams)
    return Assembled(report, pipelines, at_once, reading)


def _reading_of(
    report: str, composition: PipelineSpec, registry: Registry, streams: Sequence[str]
) -> SharedReading | None:
    """Return the reading for all streams, `None` if each is read by itself."""
    use = composition.source
    if not registry.find("source", use.name).reads_streams_together:
        return None
    from reporting_framework.execution.shared_reading import (
        SharedReading,
    )  # other sources do not need it

    make = partial(plugin_of, report, "source", use, registry)
    return SharedReading(report, streams, make)


def streams_of(
    report: str, composition: PipelineSpec, registry: Registry
) -> tuple[Sequence[str], int]:
    """Return the streams that a report reads, and the number to read at once.

    Returns no streams if the source has none, or if the composition selects one.

    Raises:
        ReportingError: They cannot be looked up, or do not fit the report.
    """
    source_class = registry.find("source", composition.source.name)
    if composition.stream is not None or not supports(source_class, "streams"):
        return (), 1
    source = plugin_of(report, "source", composition.source, registry)
    try:
        streams, at_once = source.streams(), source.parallel_streams
    finally:
        source.close()
    if streams:
        check_streams(report, composition, streams)
    return streams, at_once


def check_streams(
    report: str, composition: PipelineSpec, streams: Sequence[str]
) -> None:
    """Check the names of streams, and that no two streams would share a table.

    Raises:
        PluginError: A name cannot be part of a path, or is not unique.
        SettingsError: A sink's settings are the same for all streams.
    """
    source = f"report {report}: source {composition.source.name}"
    for stream in streams:
        if not (isinstance(stream, str) and _NAME.fullmatch(stream)):
            raise PluginError(
                f"{source}: {stream!r} is no name of a stream; begin with a letter,"
                " digit or underscore, and go on with these, dots and hyphens"
            )
    if len(set(streams)) < len(streams):
        raise PluginError(f"{source}: two streams have one name; name each once")
    one, *others = streams
    for number, use in enumerate(composition.sinks):
        if others and _of_stream(composition, use, one) == use:
            raise SettingsError(
                f"report {report}: sink {use.name}: streams {one} and {others[0]} would"
                f" share its table; put {STREAM} into its settings, as in"
                f" out/{STREAM}.parquet",
                path=("sinks", str(number)),
            )


def _of_stream(composition: PipelineSpec, use: PluginRef, stream: str) -> PluginRef:
    return composition._replace(sinks=[use]).of_stream(stream).sinks[0]


def run_all(
    assembled: Assembled,
    *,
    lifecycle: Lifecycle,
    deadline: float | None = None,
    **how: Any,
) -> RunResult:
    """Execute a report once, with each stream of its source if it has streams.

    If a stream fails, the error is logged, and the others continue; if all fail of one
    error, it is only raised. The remaining time
    is shared among the streams that were not yet read, unless all are read together.

    Args:
        assembled: The report.
        lifecycle: Observers of each stream's run.
        deadline: As `runner.run`.
        how: Other arguments of `runner.run`.

    Raises:
        ReportingError: As `runner.run`; with streams, only if all streams failed.
    """
    traffic = assembled.traffic or TrafficCounts()
    if isinstance(only := assembled.pipelines.get(None), tuple):
        if only.traffic is not None:
            only.traffic.add_all(traffic.take())
        return run(only, lifecycle=lifecycle, deadline=deadline, **how)
    from reporting_framework.execution.stream_runs import (
        StreamRuns,
    )  # imported late: most sources have no streams

    with counting(traffic):
        result = StreamRuns(assembled, deadline, {"lifecycle": lifecycle, **how}).run()
    return with_traffic(result, traffic)
