"""Runner: the only part that knows all other parts.

Data flows one way, and becomes visible in one step.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

from reporting_framework.errors import CheckFailed
from reporting_framework.execution.checking import Checking
from reporting_framework.execution.column_lineage import column_sources
from reporting_framework.execution.committing import Committing
from reporting_framework.execution.pipeline import close
from reporting_framework.execution.planning import DRY_RUN_LIMIT, Plan, Run
from reporting_framework.execution.progress import open_sinks
from reporting_framework.execution.recorder import Recorder
from reporting_framework.execution.run_result import run_result
from reporting_framework.execution.run_traffic import with_traffic
from reporting_framework.execution.run_warnings import RunWarnings
from reporting_framework.execution.split_observers import SplitObservers
from reporting_framework.execution.totals import RunTotals
from reporting_framework.plugin_api.traffic import TrafficCounts, counting

if TYPE_CHECKING:
    from reporting_framework.execution.pipeline import Pipeline
    from reporting_framework.plugin_api.result import RunResult
    from reporting_framework.registry.observers import Lifecycle


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

    The result of a run is final before its plugins are closed, except for its counts of
    requests and bytes: errors of closing are logged, and change neither the result nor
    the history. Exactly one of `run_finished` and `run_failed` is called after closing,
    also on Ctrl-C.

    Args:
        pipeline: The report, assembled and checked.
        lifecycle: Observers of the run.
        deadline: Time at which it must end, on the clock `time.monotonic()`, or `None`.
        dry_run: Read and validate, write nothing.
        limit: With `dry_run`: maximum number of records to read.
        replay: The only objects to read, again, regardless of the ledger; the hints
            stay unchanged.

    Raises:
        ReportingError: The run failed; each output is either unchanged or committed as
            a whole.
    """
    sample = limit or DRY_RUN_LIMIT if dry_run else None
    this = Run.begin(pipeline, deadline=deadline, limit=sample, replay=replay)
    traffic = pipeline.traffic or TrafficCounts()  # requests of its early start go on
    with counting(traffic):
        return _run(this, traffic, lifecycle)


def _run(this: Run, traffic: TrafficCounts, lifecycle: Lifecycle) -> RunResult:
    """Execute and record a run, and close its plugins; see `run`."""
    pipeline, dry_run = this.pipeline, not this.writes
    recorder = Recorder(pipeline, this.id, this.at, replay=this.replay is not None)
    known = {"report": pipeline.report, "run_id": this.id}
    notes = pipeline.metadata.notes if pipeline.metadata is not None else None
    try:
        recorder.name_inputs()
        lifecycle.run_started(
            **known,
            inputs=recorder.inputs,
            steps=pipeline.steps,
            schema=pipeline.schema,
            columns=column_sources(pipeline),
            notes=notes,
            dry_run=dry_run,
        )
        result = _execute(this, lifecycle, recorder)
    except BaseException as error:
        if isinstance(error, CheckFailed):
            error.result = with_traffic(error.result, traffic)
        with ExitStack() as ending:  # last one first, whatever another one raises
            ending.callback(
                lifecycle.run_failed, **known, error=error, notes=notes, dry_run=dry_run
            )
            ending.callback(close, pipeline)
            recorder.failed(error)
        raise
    with ExitStack() as ending:
        ending.callback(
            lambda: lifecycle.run_finished(
                result=with_traffic(result, traffic), notes=notes
            )
        )
        ending.callback(close, pipeline)
        recorder.finished(result)
    return with_traffic(result, traffic)


def _execute(this: Run, lifecycle: Lifecycle, recorder: Recorder) -> RunResult:
    """Plan, work, commit and record; everything of a run except its end."""
    pipeline, source = this.pipeline, this.pipeline.source
    recording = recorder if this.writes else None
    checking = Checking(this, recording)
    opened = open_sinks(pipeline, recording, plans=this.replay is None)
    warnings = RunWarnings(pipeline, recorder.inputs)
    warnings.read_last_run(opened.ledgers)
    totals = RunTotals.begin(this, opened.progress.expected_replays)
    committing = Committing(this, opened, totals)
    plan = Plan(this, opened.progress, totals)
    observers = SplitObservers(this, recorder, lifecycle)

    with closing(plan.work()) as split_results:
        for split_result in split_results:
            position = plan.finish(split_result.split)
            totals.add(split_result, position)
            observers.add(split_result)

    early = not pipeline.appends or pipeline.checks is not None
    stats = plan.close() if early else None
    snapshot = stats is not None and stats.snapshot
    checking.judge(committing, totals, snapshot=snapshot)
    with totals.timed("commit"):
        recorder.flush()
        commit_results = committing.commit(snapshot=snapshot)
        totals.add_commits(commit_results)
        stats = stats or plan.close()  # it may take time, which may be up
        state = committing.record(commit_results)
    response = None
    if source.triggers and this.writes:
        response, left = source.build_response(totals.unread, totals.rejections)
        totals.mark_unread(left)
    result = run_result(
        this, totals, commit_results, stats, quarantine=state, response=response
    )
    observers.finish(totals.unread)
    return checking.add_to(warnings.add_to(result, stats, totals.deletes))
