"""The engine `local` uses worker processes by itself if that pays, and is none the wiser if not."""

import os
import subprocess
import sys
import textwrap
import time

import pytest

from reporting_framework import PluginError, Split, SplitResult
from reporting_framework.builtin.engine import LocalEngine
from reporting_framework.builtin.handover import BUDGET, HandOver
from reporting_framework.builtin.processes.machine import usable_cores

several_cores = pytest.mark.skipif(
    usable_cores() < 2, reason="there is one core for this process"
)


class Splits:
    """Splits whose number is known."""

    def __init__(self, count):
        self.count, self.taken = count, 0

    def __iter__(self):
        return self

    def __next__(self):
        self.taken += 1
        return Split(str(self.taken - 1), {})

    def __length_hint__(self):
        return self.count - self.taken


class Work:
    """Work that takes processor time, or waits; the other process is the same function."""

    def __init__(self, busy=0.0, waits=0.0, problem=None):
        self.busy, self.waits, self.problem = busy, waits, problem

    def __call__(self, split):
        time.sleep(self.waits)
        end = time.thread_time() + self.busy
        while time.thread_time() < end:
            pass
        return SplitResult(split, accepted=os.getpid())

    def first_part(self):
        if self.problem is not None:
            raise self.problem
        return Parts(self)

    def start(self, split):
        return SplitResult(split)

    def add(self, result, number, part):
        result.accepted = part


class Parts:
    def __init__(self, work):
        self.work = work

    def __call__(self, split):
        yield self.work(split).accepted


def places(work, count=12, known=1000, parallelism=1, **settings):
    """Processes that had a share of the first splits, of which there are known to be more."""
    splits = Splits(known)
    found = list(
        LocalEngine(LocalEngine.Settings(**settings)).map(
            work, splits, parallelism=parallelism, stop=lambda: splits.taken == count
        )
    )
    assert sorted(int(result.split.id) for result in found) == list(range(count))
    return {result.accepted for result in found}


@several_cores
@pytest.mark.parametrize("parallelism", [1, 2])
def test_much_work_is_shared(parallelism):
    for _ in range(3):  # where all cores are busy, a process may start too late
        found = places(Work(busy=0.06), parallelism=parallelism)
        if len(found) > 1:
            break
    assert os.getpid() in found
    assert 1 < len(found) <= usable_cores()
    assert BUDGET.used == 0


@pytest.mark.parametrize(
    ("work", "settings"),
    [
        (Work(busy=0.0001), {}),  # little of it
        (Work(waits=0.06), {}),  # a network
        (Work(busy=0.06), {"max_workers": 0}),  # it was turned off
        (Work(busy=0.06, problem=PluginError("it cannot be sent")), {}),
        (Work(busy=0.06).__call__, {}),  # work that cannot be divided
    ],
)
def test_other_work_stays_here(work, settings):
    # other programs may make work that waits look busy, though not each time
    assert any(places(work, **settings) == {os.getpid()} for _ in range(3))


def test_lambda_has_no_second_core_to_rely_on(monkeypatch):
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "reports")
    assert places(Work(busy=0.06)) == {os.getpid()}


def test_one_core_is_not_shared():
    """The affinity of a process of its own is one core."""
    code = """
    import os
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    from tests.framework.builtin.test_handover import Work, places
    assert places(Work(busy=0.06)) == {os.getpid()}
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)


@several_cores
def test_a_process_that_once_waited_for_a_core_is_not_taken_to_wait_still():
    """Two threads that share a core wait for it; later work waits for a network."""
    code = """
    import os, threading
    from tests.framework.builtin.test_handover import Work, places
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    threads = [threading.Thread(target=Work(busy=0.7), args=(None,)) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    os.sched_setaffinity(0, cores)
    assert any(places(Work(busy=0.003, waits=0.06)) == {os.getpid()} for _ in range(3))
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)


@several_cores
def test_a_number_that_is_not_known_is_taken_to_be_as_many_again():
    work, pays, answers = Work(busy=0.8), HandOver(Work(), iter(()), 8), []
    for number in range(3):
        with pays.measured():
            work(Split(str(number), {}))
        answers.append(pays.first_part() is not None)
    assert answers == [False, False, True]


@several_cores
def test_a_worker_that_is_lost_costs_a_warning(caplog):
    found = places(Mortal(os.getpid()))
    assert found == {os.getpid()}
    [warning] = [record.getMessage() for record in caplog.records]
    assert warning == (
        "a worker process is lost (it was killed by SIGKILL); this process does its work"
        " again"
    )


class Mortal(Work):
    """Work that ends each worker process."""

    def __init__(self, home):
        super().__init__(busy=0.06)
        self.home = home

    def __call__(self, split):
        if os.getpid() != self.home:
            os.kill(os.getpid(), 9)
        return super().__call__(split)


def test_small_runs_import_nothing_for_it():
    code = """
    import sys
    from tests.framework.builtin.test_handover import Work
    from reporting_framework.builtin.engine import LocalEngine
    before = set(sys.modules)
    from reporting_framework import Split
    splits = [Split(str(number), {}) for number in range(9)]
    list(LocalEngine(LocalEngine.Settings()).map(Work(), splits, parallelism=1, stop=lambda: False))
    assert not {"subprocess", "pickle"} & (set(sys.modules) - before)
    assert not [name for name in set(sys.modules) - before if "processes" in name]
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)
