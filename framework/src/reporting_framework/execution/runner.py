"""The runner: the only part that knows all the others. Data goes one way, and becomes visible in one step."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from reporting_framework.errors import PluginError, StorageUnavailable
from reporting_framework.execution.pipeline import close, closing_iterator
from reporting_framework.execution.plugin_errors import step
from reporting_framework.execution.progress import BlankLedger, CombinedLedger
from reporting_framework.execution.recorder import Recorder
from reporting_framework.execution.rejection_summary import RejectionLog
from reporting_framework.execution.run_warnings import RunWarnings
from reporting_framework.execution.split_worker import Process
from reporting_framework.execution.totals import Tally
from reporting_framework.plugin_api.sink import Resuming
from reporting_framework.plugin_api.source import Revisiting, Triggered

if TYPE_CHECKING:
    from reporting_framework.execution.pipeline import Pipeline
    from reporting_framework.plugin_api.metadata import Quarantine
    from reporting_framework.plugin_api.records import Outcome, Receipt, Split
    from reporting_framework.plugin_api.result import QuarantineState, RunResult
    from reporting_framework.registry.observers import Lifecycle

RESERVE = 0.1
"""Share of the time budget that is kept for the commit."""


def run(
    pipeline: Pipeline,
    *,
    lifecycle: Lifecycle,
    deadline: float | None = None,
    dry_run: bool = False,
    limit: int | None = None,
    replay: Sequence[str] | None = None,
) -> RunResult:
    """Execute a report once.

    What a run did is decided before its plugins are closed: what closing raises is logged, and changes neither the
    result nor the history. One of `run_finished` and `run_failed` is called after closing, also on Ctrl-C.

    Args:
        pipeline: The report, assembled and checked.
        lifecycle: Whom to tell.
        deadline: When to be done, as `time.monotonic()` tells the time, or None.
        dry_run: Read and validate, write nothing.
        limit: With `dry_run`: how many records to read at the most.
        replay: Objects to read again, whatever the ledger says of them, and no others; the bookmark is left as it is.

    Raises:
        ReportingError: The run was given up; whole outputs may have been committed, nothing half.
    """
    run_id, at = uuid.uuid4().hex, datetime.now(UTC)
    recorder = Recorder(pipeline, run_id, at, replay=replay is not None)
    try:
        recorder.name_inputs()
        lifecycle.run_started(
            report=pipeline.report, run_id=run_id, inputs=recorder.inputs, steps=pipeline.steps, schema=pipeline.schema
        )
        sample = limit or 1000 if dry_run else None
        execution = _Run(pipeline, lifecycle, recorder, run_id, at, deadline, sample, replay)
        result = execution.execute()
    except BaseException as error:
        with ExitStack() as ending:  # in reverse order, each whatever another one raised
            ending.callback(lifecycle.run_failed, report=pipeline.report, run_id=run_id, error=error)
            ending.callback(close, pipeline)
            recorder.failed(error)
        raise
    with ExitStack() as ending:
        ending.callback(lifecycle.run_finished, result=result)
        ending.callback(close, pipeline)
        recorder.finished(result)
    return result


class _Run:
    """One execution.

    Args:
        limit: How many records a dry run reads at the most; None: not a dry run.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        lifecycle: Lifecycle,
        recorder: Recorder,
        run_id: str,
        at: datetime,
        deadline: float | None,
        limit: int | None,
        replay: Sequence[str] | None,
    ) -> None:
        self.replay = replay
        self.pipeline, self.lifecycle, self.recorder, self.limit = pipeline, lifecycle, recorder, limit
        self.run_id, self.at, self.began = run_id, at, time.monotonic()
        self.stop_at = None if deadline is None else deadline - RESERVE * (deadline - self.began)
        self.tally = Tally(len(pipeline.sinks))
        self.taken = 0  # splits
        self.rejected, self.warnings = RejectionLog(), RunWarnings(pipeline, recorder.inputs)
        self.keepers: list[bool] = []  # whether each sink keeps a ledger
        self.bookmark: Mapping[str, Any] = {}  # what a replay found and leaves as it was

    def execute(self) -> RunResult:
        """The whole of a run."""
        pipeline, replay, tally, source = self.pipeline, self.replay, self.tally, self.pipeline.source
        ledgers, quarantine = [], None
        for sink in pipeline.sinks:
            with step(pipeline.report, "sink", sink.name):
                sink.prepare(pipeline.schema)
                if self.limit is None:
                    if isinstance(sink, Resuming):
                        sink.finish_reset(by_hand=False)
                    self.recorder.look_at(sink)
                ledgers.append(sink.ledger())
                quarantine = quarantine or sink.quarantine()
        self.keepers = [found is not None for found in ledgers]
        kept = [found for found in ledgers if found is not None] or [BlankLedger()]
        ledger = CombinedLedger(kept, quarantine)
        self.warnings.look_back(kept)
        tally.awaited = ledger.reread if replay is None else frozenset(replay)
        self.bookmark = ledger.bookmark if replay is not None else {}

        with step(pipeline.report, "source", source.name):
            splits = self._planned(source.plan(ledger) if replay is None else self._again(replay))
            parallelism = source.parallelism if self.limit is None else 1
        process = Process(pipeline) if self.limit is None else self._try
        known = pipeline.report, "engine", pipeline.engine.name
        with step(*known):
            work = pipeline.engine.map(process, splits, parallelism=parallelism, stop=self._stop)
            with closing_iterator(*known, work) as outcomes:
                for outcome in outcomes:
                    tally.add(outcome)
                    self.recorder.note(outcome)
                    self._tell(outcome)

        at, began = time.time(), time.perf_counter()
        self.recorder.write()
        receipts = self._commit(quarantine)
        tally.settle(receipts)
        with step(pipeline.report, "source", source.name):
            survey = source.survey()
        if survey.exhausted and self.limit is None and tally.splits == self.taken:
            tally.exhausted = True  # the deadline came after the last split was taken
        state = self._settle(quarantine, receipts) if quarantine and self.limit is None else None
        tally.spend("commit", at, time.perf_counter() - began)
        with step(pipeline.report, "source", source.name):
            response = None
            if isinstance(source, Triggered) and self.limit is None:
                response, left = source.respond(tally.unread, tally.rejections)
                tally.put_back(left)
        result = tally.result(
            pipeline.report,
            self.run_id,
            receipts=receipts,
            survey=survey,
            quarantine=state,
            total=time.monotonic() - self.began,
            dry_run=self.limit is not None,
            response=response,
        )
        self.rejected.finish(tally.unread)
        return self.warnings.add_to(result, survey)

    def _commit(self, quarantine: Quarantine | None) -> list[Receipt]:
        """Each sink's one atomic step, those that keep a ledger last. What may be taken in part is announced first."""
        parts = self.tally.several | (self.tally.reread if self.replay is not None else set())
        if quarantine and self.limit is None and parts:
            with step(self.pipeline.report, "quarantine", type(quarantine).__name__):
                quarantine.begin(sorted(parts))
        receipts: dict[int, Receipt] = {}
        fragments = self.tally.fragments or [[]] * self.tally.sinks
        for at in sorted(range(self.tally.sinks), key=self.keepers.__getitem__):
            sink = self.pipeline.sinks[at]
            with step(self.pipeline.report, "sink", sink.name):
                receipts[at] = sink.commit(fragments[at])
            if receipts[at].failed and (any(self.keepers) or not self.pipeline.pushed):
                raise StorageUnavailable(  # nobody would deliver them again
                    f"report {self.pipeline.report}: sink {sink.name} could not keep {len(receipts[at].failed)} rows: "
                    f"{receipts[at].failed[0].reason}; run again"
                )
        return [receipts[at] for at in range(self.tally.sinks)]

    def _settle(self, quarantine: Quarantine, receipts: Sequence[Receipt]) -> QuarantineState:
        """What was not kept, and what the source wants to find next time. What was not read again stays as it was."""
        tally, source = self.tally, self.pipeline.source
        again = tally.reread | tally.several
        if self.replay is not None:  # which tells nothing of what is new
            with step(self.pipeline.report, "quarantine", type(quarantine).__name__):
                state = quarantine.settle(again, tally.rejections, run_id=self.run_id, at=self.at)
                if self.bookmark:
                    quarantine.leave(self.bookmark)
                return state
        with step(self.pipeline.report, "source", source.name):
            bookmark = source.bookmark(
                complete=tally.exhausted,
                unread=[item.origin for item in tally.unread],
                rows=min(
                    sum(output.rows for output in receipt.outputs)
                    for receipt, keeps in zip(receipts, self.keepers, strict=True)
                    if keeps or not any(self.keepers)
                ),
            )
        with step(self.pipeline.report, "quarantine", type(quarantine).__name__):
            state = quarantine.settle(again, tally.rejections, run_id=self.run_id, at=self.at)
            quarantine.leave(bookmark)
        return state

    def _again(self, objects: Sequence[str]) -> Iterable[Split]:
        """What covers these objects and no others.

        Raises:
            PluginError: The source cannot read single objects again.
        """
        source = self.pipeline.source
        if not isinstance(source, Revisiting):
            raise PluginError(f"report {self.pipeline.report}: source {source.name} cannot read single objects again")
        return source.revisit(objects)

    def _planned(self, splits: Iterable[Split]) -> Iterator[Split]:
        """The splits, with the time that planning takes, and a note when there are no more."""
        iterator = iter(splits)
        while True:
            at, began = time.time(), time.perf_counter()
            with step(self.pipeline.report, "source", self.pipeline.source.name):
                split = next(iterator, None)
            self.tally.spend("plan", at, time.perf_counter() - began)
            if split is None:
                self.tally.exhausted = True
                return
            self.taken += 1
            yield split

    def _try(self, split: Split) -> Outcome:
        """A dry run's work on one split: as many records as are left of the limit."""
        return Process(self.pipeline, (self.limit or 0) - self.tally.read)(split)

    def _stop(self) -> bool:
        """Whether to take no more splits; the first one is always taken, so that repeated runs get somewhere."""
        if self.limit is not None and self.tally.read >= self.limit:
            return True
        return self.stop_at is not None and self.tally.splits > 0 and time.monotonic() > self.stop_at

    def _tell(self, outcome: Outcome) -> None:
        """The observers, of what became of a split."""
        known = {"report": self.pipeline.report, "run_id": self.run_id}
        self.lifecycle.split_finished(**known, split=outcome.split, outcome=outcome)
        if outcome.rejections:
            self.rejected.note(outcome.rejections)
            self.lifecycle.records_rejected(**known, rejections=outcome.rejections)
