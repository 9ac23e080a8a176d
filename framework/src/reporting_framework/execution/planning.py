"""Plan of a run: the splits that it takes, and the time at which it stops."""

from __future__ import annotations

import time
import uuid
from collections.abc import Generator, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from reporting_framework.errors import PluginError
from reporting_framework.execution.plugin_errors import closing
from reporting_framework.plugin_api.base import supports

if TYPE_CHECKING:
    from reporting_framework.execution.pipeline import Pipeline
    from reporting_framework.execution.progress import CombinedLedger
    from reporting_framework.execution.totals import RunTotals
    from reporting_framework.plugin_api.records import Split, SplitResult
    from reporting_framework.plugin_api.source import PlanStats

DRY_RUN_LIMIT = 1000
"""Default number of records that a dry run reads."""

COMMIT_TIME_SHARE = 0.1
"""Share of the time budget that is reserved for the commit."""


def stop_time(began: float, deadline: float) -> float:
    """Return the time at which reading must end, so that there is time to commit."""
    return deadline - COMMIT_TIME_SHARE * (deadline - began)


def check_replayable(pipeline: Pipeline) -> None:
    """Check that the source can read single objects again.

    Raises:
        PluginError: The source has no `plan_replay`.
    """
    if not supports(pipeline.source, "plan_replay"):
        raise PluginError(
            f"report {pipeline.report}: source {pipeline.source.name} cannot read"
            " single objects again; a full scan, if the source has one, reads them with"
            " all others"
        )


class Run(NamedTuple):
    """One run of a report.

    Attributes:
        pipeline: The report.
        id: Id of the run.
        at: Time at which it began (aware, UTC).
        began: Time at which it began, on the clock `time.monotonic()`.
        deadline: Time at which it must end, on the same clock, or `None`.
        limit: Maximum number of records of a dry run; `None`: not a dry run.
        replay: The only objects to read, again; `None`: objects that the source finds.
    """

    pipeline: Pipeline
    id: str
    at: datetime
    began: float
    deadline: float | None
    limit: int | None
    replay: Sequence[str] | None

    @classmethod
    def begin(
        cls,
        pipeline: Pipeline,
        *,
        deadline: float | None,
        limit: int | None,
        replay: Sequence[str] | None,
    ) -> Run:
        """Return a run that begins now."""
        now = datetime.now(UTC)
        run_id, began = uuid.uuid4().hex, time.monotonic()
        return cls(pipeline, run_id, now, began, deadline, limit, replay)

    @property
    def writes(self) -> bool:
        """True unless the run is a dry run."""
        return self.limit is None


class PlannedSplits(Iterator["Split"]):
    """Iterator over the splits of a plan; its length hint is that of the source."""

    def __init__(self, plan: Plan) -> None:
        self._splits, self._remaining = plan.splits(), plan.remaining

    def __next__(self) -> Split:
        return next(self._splits)

    def __length_hint__(self) -> int:
        return self._remaining()


class Plan:
    """Splits of a run, handed to the engine one by one."""

    def __init__(self, run: Run, progress: CombinedLedger, totals: RunTotals) -> None:
        self._run, self._totals = run, totals
        source, deadline = run.pipeline.source, run.deadline
        self._stop_at = None if deadline is None else stop_time(run.began, deadline)
        self._splits = (
            source.plan(progress)
            if run.replay is None
            else self._plan_replay(run.replay)
        )
        self._parallelism = source.parallelism if run.writes else 1
        self._taken = 0
        self._ids: dict[str, int] = {}
        self._started: dict[str, float] = {}
        self._longest = 0.0
        self._ended = False

    def work(self) -> Generator[SplitResult]:
        """Yield the results of all splits that the engine processes in time.

        If there is a deadline, the first split is processed alone: its duration shows
        whether there is time for another split. Of several splits at once, each may
        take as long as all of them.
        """
        from reporting_framework.execution.split_worker import (
            SplitWorker,
        )  # the start of a function does not need it

        run, splits = self._run, PlannedSplits(self)
        worker = SplitWorker(run.pipeline) if run.writes else _Sample(run, self._totals)
        rounds: list[tuple[Iterator[Split], int]] = [(splits, self._parallelism)]
        if self._stop_at is not None and self._parallelism > 1:
            rounds.insert(0, (islice(splits, 1), 1))
        for some, parallelism in rounds:
            with closing(
                run.pipeline.engine.map(
                    worker, some, parallelism=parallelism, stop=self.stop
                )
            ) as results:
                yield from results

    def splits(self) -> Iterator[Split]:
        """Yield the splits; add up the time of planning, and record the end.

        Raises:
            PluginError: Two splits have the same id, so one would replace the other.
        """
        iterator = iter(self._splits)
        while True:
            at, began = time.time(), time.perf_counter()
            split = next(iterator, None)
            self._totals.add_time("plan", at, time.perf_counter() - began)
            if split is None:
                self._ended = True
                return
            if split.id in self._ids:
                run = self._run.pipeline
                raise PluginError(
                    f"report {run.report}: source {run.source.name}: two splits have"
                    " the same id; give each an id of its own"
                )
            self._ids[split.id] = self._taken
            self._taken += 1
            self._started[split.id] = time.monotonic()
            yield split

    def remaining(self) -> int:
        """Estimate the number of splits that were not taken yet; 0: not known."""
        return 0 if self._ended else self._run.pipeline.source.remaining_splits()

    def finish(self, split: Split) -> int:
        """Record end and duration of a split; return its position in the plan."""
        now = time.monotonic()
        taken = now - self._started.pop(split.id, now)
        self._longest = max(self._longest, taken)
        return self._ids.get(split.id, 0)

    def stop(self) -> bool:
        """Return whether to take no more splits.

        The first split is always taken, so that repeated runs make progress. Another
        split is taken if the time suffices for the longest duration so far.
        """
        if self._run.limit is not None and self._totals.read >= self._run.limit:
            return True
        return (
            self._stop_at is not None
            and self._taken > 0
            and time.monotonic() + self._longest > self._stop_at
        )

    def close(self) -> PlanStats:
        """End the plan, and return its statistics."""
        stats = self._run.pipeline.source.plan_stats()
        self.end(exhausted=stats.exhausted and self._run.writes, stopped=stats.stopped)
        return stats

    def end(self, *, exhausted: bool, stopped: bool = False) -> None:
        """Record whether all records of the source were processed.

        If a split could not be read to its end, its further records are not known.

        Args:
            exhausted: Whether the source says that it has no further splits: the
                deadline may have been reached after the last split.
            stopped: Whether the source itself ended the plan early.
        """
        unread = [failure.source_key for failure in self._totals.unread]
        self._totals.cut_short = any(key in self._ids for key in unread) and (
            self._run.pipeline.source.natural_keys
        )
        if (self._ended or exhausted) and not stopped and not self._started:
            self._totals.exhaust()

    def _plan_replay(self, objects: Sequence[str]) -> Iterator[Split]:
        """Return the splits of exactly these objects.

        Raises:
            PluginError: The source cannot read single objects again.
        """
        source = self._run.pipeline.source
        check_replayable(self._run.pipeline)
        return iter(source.plan_replay(objects))


class _Sample:
    """Function that processes a split in a dry run, up to the rest of its limit."""

    def __init__(self, run: Run, totals: RunTotals) -> None:
        self._run, self._totals = run, totals

    def __call__(self, split: Split) -> SplitResult:
        from reporting_framework.execution.split_worker import SplitWorker

        left = (self._run.limit or 0) - self._totals.read
        return SplitWorker(self._run.pipeline, left)(split)

    def first_part(self) -> None:
        """See `DividedWork.first_part`: the limit is known in this process alone."""
