"""The history of a report's runs, in the sink that has one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from reporting_framework.plugin_api.metadata import History
    from reporting_framework.plugin_api.result import RunRecord
    from reporting_framework.plugin_api.sink import Sink


class SinkHistory(NamedTuple):
    """A history, and the sink that keeps it."""

    sink: Sink
    history: History


def sink_history(sinks: Sequence[Sink]) -> SinkHistory | None:
    """Return the history that a run would feed.

    It is that of the first prepared sink that has one.
    """
    for sink in sinks:
        if (history := sink.history()) is not None:
            return SinkHistory(sink, history)
    return None


def records_of(sinks: Sequence[Sink]) -> Sequence[RunRecord] | None:
    """What the last runs left behind, the newest first.

    None where none of these prepared sinks keeps a history.

    Raises:
        ReportingError: It could not be read.
    """
    kept = sink_history(sinks)
    return None if kept is None else kept.history.records()


def newest_of(sinks: Sequence[Sink]) -> Iterator[RunRecord]:
    """Return what the last runs left behind, the one that ended last first.

    Nothing where no history is kept.

    Raises:
        ReportingError: It could not be read.
    """
    kept = sink_history(sinks)
    return iter(()) if kept is None else kept.history.newest()
