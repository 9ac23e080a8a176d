"""How old a report's last good run, or its newest data, is."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Literal, NamedTuple

from reporting_framework.errors import FatalError
from reporting_framework.execution.pipeline import NO_METADATA, prepared
from reporting_framework.plugin_api.base import supports

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reporting_framework.execution.pipeline import Pipeline
    from reporting_framework.plugin_api.result import RunRecord

_log = logging.getLogger(__name__)

AHEAD = timedelta(minutes=15)
"""How far a clock may be ahead of this one. What is of later times says nothing of how
old anything is.
"""

Of = Literal["runs", "data"]
"""Whose age: that of the last run that ended well and complete, or that of the newest
timestamp in the table.
"""


class Freshness(NamedTuple):
    """How old something is.

    Attributes:
        report: The report.
        of: Whose age.
        basis: What it is known from: ``history``; ``modification``: when the table was
            last written, where there is no history; ``timestamp``.
        moment: When it was (UTC); None: never.
        age: Seconds since then; None: never.
        gone: Whether a table that runs have written is not there any more, or cannot be
            read.
    """

    report: str
    of: Of
    basis: Literal["history", "modification", "timestamp"]
    moment: datetime | None
    age: float | None
    gone: bool = False


def freshness(pipeline: Pipeline, of: Of, *, now: datetime | None = None) -> Freshness:
    """How old the last good run, or the newest data, is.

    Args:
        pipeline: The report.
        of: Which of the two.
        now: The time (aware); that of the clock unless given.

    Raises:
        FatalError: It is not known: the newest data is ahead of the clock.
    """
    at = now or datetime.now(UTC)
    gone = False
    with prepared(pipeline):
        if of == "data":
            basis, moment = "timestamp", _newest(pipeline)
            if (
                moment is not None and moment > at + AHEAD
            ):  # one event dated next year would hide that no more come
                raise FatalError(
                    f"report {pipeline.report}: the newest data is of"
                    f" {moment:%Y-%m-%d %H:%M:%S} UTC, which is ahead of the clock, so"
                    " its age is not known; --of runs goes by the last run"
                )
        elif records := pipeline.history and pipeline.history.records():
            gone = _rows_are_gone(pipeline, records)
            ended = [
                run.finished_at
                for run in records
                if run.status == "ok" and run.complete and not run.replay
            ]
            basis, moment = (
                "history",
                max((moment for moment in ended if moment <= at + AHEAD), default=None),
            )
        else:
            if pipeline.metadata is None:
                _log.warning("report %s: %s", pipeline.report, NO_METADATA)
            basis, moment = "modification", _modified(pipeline)
    age = (at - moment).total_seconds() if moment is not None else None
    return Freshness(pipeline.report, of, basis, moment, age, gone)  # type: ignore[arg-type]  # one of three


def _newest(pipeline: Pipeline) -> datetime | None:
    """The newest timestamp that all sinks with a ledger have."""
    ledgers = [sink.ledger() for sink in pipeline.sinks]
    moments = [ledger.newest for ledger in ledgers if ledger is not None]
    known = [moment for moment in moments if moment is not None]
    return min(known) if known and len(known) == len(moments) else None


def _rows_are_gone(pipeline: Pipeline, records: Sequence[RunRecord]) -> bool:
    """Return whether the rows that the last run has left are gone.

    There is then nothing where it left them, or nothing that can be read.
    """
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
    """When one of the outputs was last written."""
    moments = []
    for sink in pipeline.sinks:
        if supports(sink, "stored_artifacts"):
            moments += [
                artifact.modified
                for artifact in sink.stored_artifacts()
                if artifact.kind == "output"
            ]
    return max((moment for moment in moments if moment is not None), default=None)
