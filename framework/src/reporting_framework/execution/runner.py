"""The runner: the only part that knows all the others.

Data goes one way, and becomes visible in one step.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from reporting_framework.execution.committing import Committing
from reporting_framework.execution.pipeline import close
from reporting_framework.execution.planning import DRY_RUN_LIMIT, Plan, Run
from reporting_framework.execution.progress import open_sinks
from reporting_framework.execution.recorder import Recorder
from reporting_framework.execution.rejection_summary import RejectionLog
from reporting_framework.execution.run_warnings import RunWarnings
from reporting_framework.execution.totals import RunTotals
from reporting_framework.plugin_api.source import Triggered

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

    What a run did is decided before its plugins are closed: what closing raises is
    logged, and changes neither the result nor the history. One of `run_finished` and
    `run_failed` is called after closing, also on Ctrl-C.

    Args:
        pipeline: The report, assembled and checked.
        lifecycle: Whom to tell.
        deadline: When to be done, as `time.monotonic()` tells the time, or None.
        dry_run: Read and validate, write nothing.
        limit: With `dry_run`: how many records to read at the most.
        replay: Objects to read again, whatever the ledger says of them, and no others;
            the bookmark is left as it is.

    Raises:
        ReportingError: The run was given up; whole outputs may have been committed,
            nothing half.
    """
    sample = limit or DRY_RUN_LIMIT if dry_run else None
    this = Run(
        pipeline,
        uuid.uuid4().hex,
        datetime.now(UTC),
        time.monotonic(),
        deadline,
        sample,
        replay,
    )
    recorder = Recorder(pipeline, this.id, this.at, replay=replay is not None)
    known = {"report": pipeline.report, "run_id": this.id}
    try:
        recorder.name_inputs()
        lifecycle.run_started(
            **known,
            inputs=recorder.inputs,
            steps=pipeline.steps,
            schema=pipeline.schema,
        )
        result = _execute(this, lifecycle, recorder)
    except BaseException as error:
        with (
            ExitStack() as ending
        ):  # in reverse order, each whatever another one raised
            ending.callback(lifecycle.run_failed, **known, error=error)
            ending.callback(close, pipeline)
            recorder.failed(error)
        raise
    with ExitStack() as ending:
        ending.callback(lifecycle.run_finished, result=result)
        ending.callback(close, pipeline)
        recorder.finished(result)
    return result


def _execute(this: Run, lifecycle: Lifecycle, recorder: Recorder) -> RunResult:
    """Do all of a run but its end: plan, work, commit, record."""
    pipeline, source = this.pipeline, this.pipeline.source
    opened = open_sinks(pipeline, recorder if this.writes else None)
    warnings, rejected = RunWarnings(pipeline, recorder.inputs), RejectionLog()
    warnings.look_back(opened.ledgers)
    totals = RunTotals(
        len(pipeline.sinks),
        opened.progress.expected_replays
        if this.replay is None
        else frozenset(this.replay),
    )
    committing = Committing(this, opened, totals)
    plan = Plan(this, opened.progress, totals)

    with closing(plan.work()) as outcomes:
        for outcome in outcomes:
            plan.finish(outcome.split)
            totals.add(outcome)
            recorder.add(outcome)
            lifecycle.split_finished(
                report=pipeline.report,
                run_id=this.id,
                split=outcome.split,
                outcome=outcome,
            )
            if outcome.rejections:
                rejected.add(outcome.rejections)
                lifecycle.records_rejected(
                    report=pipeline.report,
                    run_id=this.id,
                    rejections=outcome.rejections,
                )

    at, began = time.time(), time.perf_counter()
    recorder.flush()
    receipts = committing.commit()
    totals.add_commits(receipts)
    survey = source.plan_stats()
    plan.end(exhausted=survey.exhausted and this.writes)
    state = committing.record(receipts)
    totals.add_time("commit", at, time.perf_counter() - began)
    response = None
    if isinstance(source, Triggered) and this.writes:
        response, left = source.build_response(totals.unread, totals.rejections)
        totals.mark_unread(left)
    seconds = time.monotonic() - this.began
    result = totals.result(
        this,
        receipts=receipts,
        survey=survey,
        quarantine=state,
        total=seconds,
        response=response,
    )
    rejected.finish(totals.unread)
    return warnings.add_to(result, survey)
