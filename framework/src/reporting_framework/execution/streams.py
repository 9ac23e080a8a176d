"""The runs of a report whose source has streams: one run for each stream.

A stream's run is an ordinary run of the report ``REPORT/STREAM``, with the rows, the
state and the metadata of that stream alone.
"""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from math import ceil
from typing import TYPE_CHECKING, Any, NamedTuple

from reporting_framework.errors import (
    ConfigurationError,
    PluginError,
    ReportingError,
    SettingsError,
)
from reporting_framework.execution.assembly import assemble, plugin_of
from reporting_framework.execution.pipeline import close
from reporting_framework.execution.runner import run
from reporting_framework.execution.stream_totals import failed_stream, sum_of
from reporting_framework.plugin_api.base import supports
from reporting_framework.plugin_api.report import STREAM

if TYPE_CHECKING:
    from reporting_framework.execution.pipeline import Pipeline
    from reporting_framework.plugin_api.records import Trigger
    from reporting_framework.plugin_api.report import PipelineSpec, PluginRef
    from reporting_framework.plugin_api.result import RunResult
    from reporting_framework.registry.observers import Lifecycle
    from reporting_framework.registry.registry import Registry

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")

_log = logging.getLogger(__name__)


class Assembled(NamedTuple):
    """A report ready to run.

    Attributes:
        report: Its name.
        pipelines: Its only pipeline, or that of each stream by the stream's name; an
            error if a stream could not be looked up.
        at_once: How many streams are read at once.
    """

    report: str
    pipelines: Mapping[str | None, Pipeline | ReportingError]
    at_once: int = 1

    def map(self, change: Callable[[Pipeline], Pipeline]) -> Assembled:
        """Return the report, each pipeline changed."""
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
) -> Assembled:
    """Assemble a report: its only pipeline, or one for each stream of its source.

    Raises:
        ReportingError: As `pipeline.assemble`. A stream that fails alone, other than by
            its configuration, leaves the others as they are.
    """
    streams, at_once = streams_of(report, composition, registry)
    if not streams:
        only = assemble(report, composition, registry, trigger=trigger)
        return Assembled(report, {None: only})
    pipelines: dict[str | None, Pipeline | ReportingError] = {}
    with ExitStack() as unused:
        for stream in streams:
            name, part = f"{report}/{stream}", composition.of_stream(stream)
            try:
                pipelines[stream] = made = assemble(
                    name, part, registry, trigger=trigger
                )
                unused.callback(close, made)
            except ConfigurationError:
                raise
            except ReportingError as error:
                pipelines[stream] = error
        unused.pop_all()
    return Assembled(report, pipelines, at_once)


def streams_of(
    report: str, composition: PipelineSpec, registry: Registry
) -> tuple[Sequence[str], int]:
    """Return the streams that a report reads, and how many at once.

    There are none if its source has none, or if one of them is chosen.

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
        _check(report, composition, streams)
    return streams, at_once


def _check(report: str, composition: PipelineSpec, streams: Sequence[str]) -> None:
    """Check the names of streams, and that no two would share a table.

    Raises:
        PluginError: A name cannot be part of a path, or is there twice.
        SettingsError: A sink's settings are the same for all streams.
    """
    source = f"report {report}: source {composition.source.name}"
    for stream in streams:
        if not _NAME.fullmatch(stream):
            raise PluginError(
                f"{source}: {stream!r} is no name of a stream; begin with a letter,"
                " digit or underscore, and go on with these, dots and hyphens"
            )
    if len(set(streams)) < len(streams):
        raise PluginError(f"{source}: two streams have one name; name each once")
    one, *others = streams
    for use in composition.sinks:
        if others and _of_stream(composition, use, one) == use:
            raise SettingsError(
                f"report {report}: sink {use.name}: streams {one} and {others[0]} would"
                f" share its table; put {STREAM} into its settings, as in"
                f" out/{STREAM}.parquet"
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
    """Execute a report once: each stream of its source, if it has any.

    A stream that fails is logged, and the others go on. What time is left is shared
    among the streams that are yet to be read.

    Args:
        assembled: The report.
        lifecycle: Observers of each stream's run.
        deadline: As `runner.run`.
        how: Other arguments of `runner.run`.

    Raises:
        ReportingError: As `runner.run`; of several streams, all failed.
    """
    if isinstance(only := assembled.pipelines.get(None), tuple):
        return run(only, lifecycle=lifecycle, deadline=deadline, **how)
    began, waiting = time.monotonic(), dict(assembled.pipelines)
    names, failures = list(waiting), list[ReportingError]()
    at_once = max(1, min(assembled.at_once, len(names)))

    def run_one(number: int) -> RunResult:
        stream, until = names[number], deadline
        pipeline = waiting.pop(stream)
        if deadline is not None:
            now = time.monotonic()
            until = now + (deadline - now) / ceil((len(names) - number) / at_once)
        try:
            if isinstance(pipeline, ReportingError):
                raise pipeline
            return run(pipeline, lifecycle=lifecycle, deadline=until, **how)
        except ReportingError as error:
            _log.error("stream %s failed: %s", stream, error)
            failures.append(error)
            return failed_stream(f"{assembled.report}/{stream}", error)

    try:
        results = _each(run_one, len(names), at_once)
    finally:  # of streams that Ctrl-C came before
        for pipeline in waiting.values():
            if not isinstance(pipeline, ReportingError):
                close(pipeline)
    if len(failures) == len(names):
        raise failures[0]
    return sum_of(
        assembled.report,
        uuid.uuid4().hex,
        dict(zip(map(str, names), results, strict=True)),
        seconds=time.monotonic() - began,
    )


def _each(
    run_one: Callable[[int], RunResult], count: int, at_once: int
) -> list[RunResult]:
    """Return the results of all streams; Ctrl-C does not wait for those under way."""
    if at_once == 1:
        return list(map(run_one, range(count)))
    pool = ThreadPoolExecutor(at_once, "reporting-stream")
    try:
        return list(pool.map(run_one, range(count)))
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
