"""Freshness: age of a report's last complete run, or of its newest data."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal, NamedTuple

from reporting_framework.errors import FatalError
from reporting_framework.execution.pipeline import NO_METADATA, close, prepared
from reporting_framework.plugin_api.base import supports

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reporting_framework.execution.pipeline import Pipeline
    from reporting_framework.plugin_api.result import RunRecord

_log = logging.getLogger(__name__)

AHEAD = timedelta(minutes=15)
"""Highest accepted difference between clocks; later times say nothing about age."""

Of = Literal["runs", "data"]
"""Event whose age is measured: the last complete run, or the newest timestamp."""


Basis = Literal["history", "modification", "timestamp"]
"""Origin of the time of the event."""


class Freshness(NamedTuple):
    """Age of a report's last complete run or newest data.

    Attributes:
        report: Name of the report.
        of: Event whose age is measured.
        basis: Origin of `moment`: ``history``; ``modification``, the table's last
            write, if there is no history; or ``timestamp``.
        moment: Time of the event (UTC); `None` if there was none.
        age: Seconds since the event; `None` if there was none.
        gone: True if a table that runs have written is missing or cannot be read.
    """

    report: str
    of: Of
    basis: Basis
    moment: datetime | None
    age: float | None
    gone: bool = False


def freshness(pipeline: Pipeline, of: Of, *, now: datetime | None = None) -> Freshness:
    """Return the age of the last complete run or of the newest data.

    Args:
        pipeline: Pipeline of the report.
        of: Event whose age is measured.
        now: Current time (aware); the clock's time by default.

    Raises:
        FatalError: The age of the newest data is not known: it is ahead of the clock,
            or has no timestamp.
    """
    at = now or datetime.now(UTC)
    if not pipeline.schema:
        return _without_columns(pipeline, of, at)
    gone = False
    with prepared(pipeline):
        if of == "data":
            basis, moment = "timestamp", _newest(pipeline)
            if (
                moment is not None and moment > at + AHEAD
            ):  # an event dated next year would hide that no new data arrives
                raise FatalError(
                    f"report {pipeline.report}: the newest data is from"
                    f" {moment:%Y-%m-%d %H:%M:%S} UTC, which is ahead of the clock, so"
                    " its age is not known; use --of runs for the last run's age"
                )
        elif records := pipeline.history and pipeline.history.records():
            gone = _rows_are_gone(pipeline, records)
            basis, moment = "history", _last_complete(records, at)
        else:
            if pipeline.metadata is None:
                _log.warning("report %s: %s", pipeline.report, NO_METADATA)
            basis, moment = "modification", _modified(pipeline)
    age = (at - moment).total_seconds() if moment is not None else None
    return Freshness(pipeline.report, of, basis, moment, age, gone)  # type: ignore[arg-type]  # one of three


def _without_columns(pipeline: Pipeline, of: Of, at: datetime) -> Freshness:
    """Return the age of the last complete run; nothing but the history is read.

    The sinks cannot be opened, as no run has stored the columns of the source.

    Raises:
        FatalError: There is no history, or the age of the data was asked for, and
            there may be data.
    """
    try:
        records = pipeline.history.records() if pipeline.history is not None else []
    finally:
        close(pipeline)
    ran = any(run.status != "failed" for run in records)
    if pipeline.history is None or (ran and of == "data"):
        raise FatalError(
            f"report {pipeline.report}: its age is not known, since no run has stored"
            " the columns of the source, and freshness does not ask the source; run"
            " the report with a history"
        )
    moment = _last_complete(records, at)
    age = (at - moment).total_seconds() if moment is not None else None
    basis: Basis = "timestamp" if of == "data" else "history"
    return Freshness(pipeline.report, of, basis, moment, age)


def _last_complete(records: Sequence[RunRecord], at: datetime) -> datetime | None:
    """Return the end of the last complete run that is not ahead of the clock."""
    ended = (
        run.finished_at
        for run in records
        if run.status == "ok" and run.complete and not run.replay
    )
    return max((moment for moment in ended if moment <= at + AHEAD), default=None)


def _newest(pipeline: Pipeline) -> datetime | None:
    """Return the oldest of the sinks' newest timestamps; `None` if a sink has no row.

    Raises:
        FatalError: A sink has rows and no timestamp.
    """
    ledgers = [sink.ledger() for sink in pipeline.sinks]
    present = [ledger for ledger in ledgers if ledger is not None]
    moments = [ledger.newest for ledger in present]
    if not present or any(each.rows and each.newest is None for each in present):
        raise FatalError(
            f"report {pipeline.report}: the age of its data is not known, because no"
            " row has a timestamp; name a column in the sink's setting timestamp, or"
            " use --of runs"
        )
    known = [moment for moment in moments if moment is not None]
    return min(known) if known and len(known) == len(moments) else None


def _rows_are_gone(pipeline: Pipeline, records: Sequence[RunRecord]) -> bool:
    """Return whether the rows of the last run are missing or cannot be read."""
    kept = next((run.outputs for run in records if run.status != "failed"), [])
    if not any(output.rows for output in kept):
        return False
    for sink in pipeline.sinks:
        if supports(sink, "stored_artifacts"):
            rows = [
                artifact.rows
                for artifact in sink.stored_artifacts()
                if artifact.kind == "output"
            ]
            return not rows or None in rows
    return False


def _modified(pipeline: Pipeline) -> datetime | None:
    """Return the time of the last write to an output."""
    moments = []
    for sink in pipeline.sinks:
        if supports(sink, "stored_artifacts"):
            moments += [
                artifact.modified
                for artifact in sink.stored_artifacts()
                if artifact.kind == "output"
            ]
    return max((moment for moment in moments if moment is not None), default=None)
