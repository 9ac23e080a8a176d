"""The history of a report's runs, as one of its sinks keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from reporting_framework.errors import PluginError
from reporting_framework.execution.pipeline import prepared
from reporting_framework.execution.plugin_errors import step
from reporting_framework.plugin_api.metadata import Recording

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reporting_framework.execution.pipeline import Pipeline
    from reporting_framework.plugin_api.metadata import History
    from reporting_framework.plugin_api.result import RunRecord
    from reporting_framework.plugin_api.sink import Sink


class Kept(NamedTuple):
    """A history, and the sink that keeps it."""

    sink: Sink
    history: History


def kept_by(report: str, sinks: Sequence[Sink]) -> Kept | None:
    """The history that a run would feed: that of the first of these sinks, all of them prepared, that has one."""
    for sink in sinks:
        if isinstance(sink, Recording):
            with step(report, "sink", sink.name):
                if (history := sink.history()) is not None:
                    return Kept(sink, history)
    return None


def records_of(report: str, sinks: Sequence[Sink]) -> Sequence[RunRecord] | None:
    """What the last runs left behind, the newest first; None where none of these prepared sinks keeps a history.

    Raises:
        ReportingError: It could not be read.
    """
    kept = kept_by(report, sinks)
    if kept is None:
        return None
    with step(report, "sink", kept.sink.name):
        return kept.history.records()


def runs_of(pipeline: Pipeline) -> Sequence[RunRecord]:
    """Records of a report's last runs, the newest first.

    Raises:
        PluginError: None of its sinks keeps a history.
        ReportingError: It could not be read.
    """
    with prepared(pipeline) as sinks:
        records = records_of(pipeline.report, sinks)
    if records is None:
        raise PluginError(
            f"report {pipeline.report}: there is no history of its runs: none of its sinks keeps one "
            f"({', '.join(sink.name for sink in pipeline.sinks)}); parquet-checkpoint does, unless keep_runs is 0"
        )
    return records
