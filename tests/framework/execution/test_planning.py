"""The plan of a run: the splits it gives out, and when it gives out no more."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from reporting_framework import Engine as EngineBase
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


class Engine(EngineBase):
    """An engine that has so many splits under way, each `seconds` of the clock long."""

    def __init__(self, clock, seconds, *, at_once=None, loses=()):
        self.clock, self.seconds, self.at_once, self.loses = (
            clock,
            seconds,
            at_once,
            loses,
        )
        self.taken = []

    def map(self, process, splits, *, parallelism, stop):
        under_way, iterator = [], iter(splits)
        while not stop() and (split := next(iterator, None)) is not None:
            self.taken.append(split.id)
            under_way.append(split)
            if len(under_way) >= (self.at_once or parallelism):
                yield from self.end(under_way.pop(0))
        for split in under_way:
            yield from self.end(split)

    def end(self, split):
        self.clock.now += self.seconds
        if split.id not in self.loses:
            yield SplitResult(split, ["a"], 1, [], staged_parts=[[]])


def plan(
    splits=20,
    *,
    engine=None,
    parallelism=1,
    deadline=None,
    limit=None,
    replay=None,
    ids=str,
):
    """A plan of so many splits, and the totals of its run."""
    source = SimpleNamespace(
        name="numbers",
        parallelism=parallelism,
        plan=lambda ledger: [Split(ids(number), {}) for number in range(splits)],
    )
    pipeline = SimpleNamespace(
        report="test", source=source, engine=engine, validator=None, sinks=()
    )
    run = Run(pipeline, "id", datetime.now(UTC), 0.0, deadline, limit, replay)
    totals = RunTotals(1)
    return Plan(run, None, totals), totals


def work(given, totals):
    """Work on the splits as a run does."""
    for result in given.work():
        given.finish(result.split)
        totals.add(result)


@pytest.mark.parametrize(
    ("seconds", "taken", "ended"),
    [(1.0, 9, 9.0), (2.0, 4, 8.0), (4.0, 2, 8.0), (7.0, 1, 7.0), (30.0, 1, 30.0)],
)
def test_no_split_is_taken_that_would_end_in_the_time_of_the_commit(
    clock, seconds, taken, ended
):
    """A tenth of ten seconds is for the commit; the first split is always taken."""
    engine = Engine(clock, seconds)
    given, totals = plan(engine=engine, deadline=10.0)
    work(given, totals)
    given.end(exhausted=False)
    assert (len(engine.taken), clock.now, totals.exhausted) == (taken, ended, False)


@pytest.mark.parametrize("exhausted", [True, False])
def test_a_plan_that_the_source_ended_early_is_not_complete(clock, exhausted):
    given, totals = plan(splits=1, engine=Engine(clock, 1.0))
    work(given, totals)
    given.end(exhausted=exhausted, stopped=True)
    assert not totals.exhausted
    given.end(exhausted=exhausted)
    assert totals.exhausted


@pytest.mark.parametrize("parallelism", [2, 3, 8])
def test_the_first_split_is_worked_on_alone_where_there_is_a_deadline(
    clock, parallelism
):
    """Of several that share a connection each takes as long as all of them."""
    engine = Engine(clock, 6.0)
    given, totals = plan(engine=engine, parallelism=parallelism, deadline=10.0)
    work(given, totals)
    assert (engine.taken, clock.now) == (["0"], 6.0)


def test_splits_under_way_at_once_are_all_done_in_time(clock):
    engine = Engine(clock, 1.0)
    given, totals = plan(engine=engine, parallelism=3, deadline=20.0)
    work(given, totals)
    assert len(engine.taken) > 3
    assert clock.now <= 18.0


def test_only_one_split_is_taken_when_the_time_is_up(clock):
    engine = Engine(clock, 1.0, at_once=3)
    given, totals = plan(engine=engine, parallelism=3, deadline=-1.0)
    work(given, totals)
    assert engine.taken == ["0"]


def test_all_are_taken_where_there_is_no_deadline(clock):
    engine = Engine(clock, 1e6)
    given, totals = plan(engine=engine, parallelism=3)
    work(given, totals)
    given.end(exhausted=False)
    assert (len(engine.taken), totals.exhausted) == (20, True)


def test_a_plan_that_ended_in_time_is_whole_though_the_deadline_came_after_it(clock):
    given, totals = plan(2, engine=Engine(clock, 4.0), deadline=10.0)
    work(given, totals)
    given.end(exhausted=False)
    assert not totals.exhausted
    given.end(exhausted=True)
    assert totals.exhausted


@pytest.mark.parametrize("lost", ["0", "7", "19"])
def test_a_run_is_not_complete_if_the_engine_returns_less_than_it_took(clock, lost):
    given, totals = plan(engine=Engine(clock, 1.0, loses={lost}), parallelism=3)
    work(given, totals)
    given.end(exhausted=True)
    assert (totals.read, totals.exhausted) == (19, False)


def test_two_splits_of_one_id_are_refused(clock):
    given, totals = plan(engine=Engine(clock, 1.0), ids=lambda number: "same")
    with pytest.raises(
        PluginError, match="source numbers: two splits have the same id"
    ):
        work(given, totals)


def test_a_dry_run_takes_no_more_than_its_limit_one_by_one(clock):
    engine = Engine(clock, 1.0)
    given, totals = plan(engine=engine, parallelism=3, limit=3)
    work(given, totals)
    assert engine.taken == ["0", "1", "2"]


def test_a_source_that_cannot_read_again_is_refused():
    with pytest.raises(
        PluginError,
        match="source numbers cannot read single objects again; a full scan",
    ):
        plan(replay=["x"])
