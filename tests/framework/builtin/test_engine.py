"""The engine `local`: bounded, lazy, and stopped when asked."""

import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting_framework import Split, SplitResult
from reporting_framework.builtin.engine import LocalEngine, LocalEngineSettings


def never():
    return False


def splits(count, taken=None):
    for number in range(count):
        if taken is not None:
            taken.append(number)
        yield Split(str(number), {})


def engine(most=8):
    return LocalEngine(LocalEngineSettings(max_splits=most))


@given(
    st.integers(0, 12),
    st.integers(1, 4),
    st.integers(1, 4),
    st.none() | st.integers(0, 12),
)
def test_every_split_that_is_taken_is_worked_on_once(
    count, parallelism, most, stop_after
):
    """Outcomes are those of the splits taken, each once, however many at once; a stop is asked before each is taken."""
    taken: list[int] = []

    def stop():
        return stop_after is not None and len(taken) >= stop_after

    split_results = list(
        engine(most).map(
            SplitResult, splits(count, taken), parallelism=parallelism, stop=stop
        )
    )
    assert sorted(int(split_result.split.id) for split_result in split_results) == taken
    assert taken == list(range(count if stop_after is None else min(count, stop_after)))


def test_one_at_a_time_is_worked_on_in_the_caller_s_thread_and_lazily():
    taken: list[int] = []
    threads = set()

    def process(split):
        threads.add(threading.current_thread())
        return SplitResult(split)

    split_results = engine().map(process, splits(5, taken), parallelism=1, stop=never)
    next(split_results)
    next(split_results)
    assert taken == [0, 1]
    assert threads == {threading.current_thread()}


@pytest.mark.parametrize(("parallelism", "most", "expected"), [(3, 8, 3), (16, 2, 2)])
def test_as_many_are_under_way_as_both_sides_allow(parallelism, most, expected):
    under_way, peak, lock = 0, 0, threading.Lock()
    together = threading.Barrier(expected)

    def process(split):
        nonlocal under_way, peak
        with lock:
            under_way += 1
            peak = max(peak, under_way)
        if (
            int(split.id) < expected
        ):  # the first wait for each other, however slow the machine is
            together.wait(60)
        with lock:
            under_way -= 1
        return SplitResult(split)

    taken: list[int] = []
    split_results = engine(most).map(
        process, splits(20, taken), parallelism=parallelism, stop=never
    )
    next(split_results)
    assert len(taken) <= expected, "no more are taken than can be worked on"
    assert len(list(split_results)) == 19
    assert peak == expected


@pytest.mark.parametrize("parallelism", [1, 3])
def test_an_error_ends_the_work(parallelism):
    taken: list[int] = []

    def process(split):
        if split.id == "2":
            raise ValueError("broken")
        return SplitResult(split)

    with pytest.raises(ValueError, match="broken"):
        list(
            engine().map(
                process, splits(50, taken), parallelism=parallelism, stop=never
            )
        )
    assert len(taken) < 10


def test_who_stops_listening_ends_the_work():
    release, done = threading.Event(), []

    def process(split):
        if split.id != "0":
            release.wait(5)
        done.append(split.id)
        return SplitResult(split)

    taken: list[int] = []
    split_results = engine().map(process, splits(50, taken), parallelism=3, stop=never)
    next(split_results)
    release.set()
    split_results.close()
    assert len(taken) <= 4
    assert set(done) <= {str(number) for number in taken}


def test_nobody_waits_for_what_is_under_way_when_a_run_fails():
    """An interruption ends a run at once; splits that are being worked on are left to end by themselves."""
    released = threading.Event()

    def process(split):
        if split.id == "0":
            raise KeyboardInterrupt
        released.wait(30)
        return SplitResult(split)

    began = time.monotonic()
    splits = [Split(str(number), {}) for number in range(4)]
    with pytest.raises(KeyboardInterrupt):
        list(
            LocalEngine(LocalEngineSettings()).map(
                process, splits, parallelism=3, stop=lambda: False
            )
        )
    assert time.monotonic() - began < 15
    released.set()
