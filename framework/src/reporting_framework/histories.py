"""The history of a report's runs, found by the report's name and settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from reporting_framework.assembly import assemble, step
from reporting_framework.capabilities import Recording
from reporting_framework.errors import PluginError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reporting_framework.assembly import Pipeline
    from reporting_framework.capabilities import History
    from reporting_framework.interfaces import Composition, Sink
    from reporting_framework.plugins import Registry
    from reporting_framework.result import RunRecord


class Kept(NamedTuple):
    """A history, and the sink that keeps it."""

    sink: Sink
    history: History


def runs_of(report: str, composition: Composition, registry: Registry) -> Sequence[RunRecord]:
    """Records of a report's last runs, the newest first.

    Raises:
        PluginError: None of its sinks keeps a history, or a plugin is unknown, broken or blocked.
        ReportingError: As `assembly.assemble`, or the history could not be read.
    """
    pipeline = assemble(report, composition, registry)
    pipeline.source.close()
    kept = kept_by(pipeline)
    if kept is None:
        names = ", ".join(sink.name for sink in pipeline.sinks)
        raise PluginError(
            f"report {report}: there is no history of its runs: none of its sinks keeps one ({names}); "
            "parquet-checkpoint does, unless keep_runs is 0"
        )
    with step(report, "sink", kept.sink.name):
        return kept.history.records()


def kept_by(pipeline: Pipeline) -> Kept | None:
    """The history that a run would feed: that of the first sink that has one."""
    for sink in pipeline.sinks:
        with step(pipeline.report, "sink", sink.name):
            sink.prepare(pipeline.schema)
            history = sink.history() if isinstance(sink, Recording) else None
        if history is not None:
            return Kept(sink, history)
    return None
