"""The history of a report's runs, in the sink that has one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from reporting_framework.execution.plugin_errors import step
from reporting_framework.plugin_api.metadata import Recording

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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


def newest_of(report: str, sinks: Sequence[Sink]) -> Iterator[RunRecord]:
    """Yield what the last runs left behind, the one that ended last first; nothing where no history is kept.

    Raises:
        ReportingError: It could not be read.
    """
    if (kept := kept_by(report, sinks)) is None:
        return
    with step(report, "sink", kept.sink.name):
        records = iter(kept.history.newest())
    while True:
        with step(report, "sink", kept.sink.name):
            record = next(records, None)
        if record is None:
            return
        yield record
