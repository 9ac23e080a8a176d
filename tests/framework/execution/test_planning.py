"""The plan of a run: the splits it gives out, and when it gives out no more."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from reporting_framework import PluginError, Split, SplitResult
from reporting_framework.execution.planning import Plan, Run
from reporting_framework.execution.totals import RunTotals


class Clock:
    """A clock that only `now` moves."""

    now = 0.0

    def monotonic(self):
        return self.now

    time = perf_counter = monotonic


@pytest.fixture
def clock(monkeypatch):
    found = Clock()
    monkeypatch.setattr("reporting_framework.execution.planning.time", found)
    return found


def plan(splits=20, *, deadline=None, limit=None, replay=None):
    """A plan of so many splits, and the totals of its run."""
    source = SimpleNamespace(
        name="numbers",
        parallelism=3,
        plan=lambda ledger: [Split(str(number), {}) for number in range(splits)],
    )
    pipeline = SimpleNamespace(report="test", source=source)
    run = Run(pipeline, "id", datetime.now(UTC), 0.0, deadline, limit, replay)
    totals = RunTotals(1)
    return Plan(run, None, totals), totals


def work(given, totals, clock, *, seconds, at_once=1):
    """Work on the splits as an engine does, and return how many were taken."""
    splits, under_way, taken = given.splits(), [], 0
    while not given.stop() and (split := next(splits, None)) is not None:
        taken += 1
        under_way.append(split)
        if len(under_way) == at_once:
            clock.now += seconds
            finish(given, totals, under_way.pop(0))
    for split in under_way:
        clock.now += seconds
        finish(given, totals, split)
    return taken


def finish(given, totals, split):
    given.finish(split)
    totals.add(SplitResult(split, ["a"], 1, [], fragments=[[]]))


@pytest.mark.parametrize(
    ("seconds", "taken", "ended"),
    [(1.0, 9, 9.0), (2.0, 4, 8.0), (4.0, 2, 8.0), (7.0, 1, 7.0), (30.0, 1, 30.0)],
)
def test_no_split_is_taken_that_would_end_in_the_time_of_the_commit(
    clock, seconds, taken, ended
):
    """A tenth of ten seconds is for the commit; the first split is always taken."""
    given, totals = plan(deadline=10.0)
    assert work(given, totals, clock, seconds=seconds) == taken
    assert clock.now == ended
    assert not totals.exhausted


def test_splits_under_way_at_once_are_all_done_in_time(clock):
    """Each of three that share a connection takes three times as long as it would alone."""
    given, totals = plan(deadline=10.0)
    work(given, totals, clock, seconds=1.0, at_once=3)
    assert clock.now <= 9.0


def test_the_longest_split_says_how_long_the_next_may_take(clock):
    given, totals = plan(deadline=10.0)
    splits = given.splits()
    for seconds in (5.0, 0.5):
        split = next(splits)
        clock.now += seconds
        finish(given, totals, split)
    assert given.stop()


def test_only_one_split_is_taken_when_the_time_is_up(clock):
    given, totals = plan(deadline=-1.0)
    assert work(given, totals, clock, seconds=1.0, at_once=3) == 1


def test_all_are_taken_where_there_is_no_deadline(clock):
    given, totals = plan()
    assert work(given, totals, clock, seconds=1e6) == 20
    assert totals.exhausted


def test_a_plan_that_ended_in_time_is_whole_though_the_deadline_came_after_it(clock):
    given, totals = plan(2, deadline=10.0)
    assert work(given, totals, clock, seconds=4.0) == 2
    assert not totals.exhausted
    given.ended()
    assert totals.exhausted


def test_a_dry_run_takes_no_more_than_its_limit(clock):
    given, totals = plan(limit=3)
    assert given.parallelism == 1
    assert work(given, totals, clock, seconds=1.0) == 3


def test_a_source_that_cannot_read_again_is_refused():
    with pytest.raises(PluginError, match="source numbers cannot read single objects"):
        plan(replay=["x"])
