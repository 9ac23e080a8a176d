"""The engine `processes`: nothing lost and nothing doubled, however a worker process ends."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from reporting_framework import AccessDenied, Split, StepFailed, TransientError
from reporting_framework._text.messages import WORKER_FRAMES
from reporting_framework.builtin.processes.engine import ProcessesEngine
from reporting_framework.execution.tracebacks import traceback_text
from tests.framework.builtin.processes import works

HOME = os.getpid()


def splits(count):
    return [Split(str(number), {}) for number in range(count)]


def results(work, count=12, *, parallelism=1, stop=lambda: False, **settings):
    engine = ProcessesEngine(ProcessesEngine.Settings(**{"workers": 1} | settings))
    return list(engine.map(work, splits(count), parallelism=parallelism, stop=stop))


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return state != "Z"


def wait_until(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it does not come true"
        time.sleep(0.02)


@pytest.mark.parametrize("workers", [1, 2])
def test_this_process_and_the_others_share_the_splits_and_the_order_stays(workers):
    found = results(works.Work(HOME), 60, workers=workers)
    assert [result.split.id for result in found] == [str(n) for n in range(60)]
    places = {result.accepted for result in found}
    assert HOME in places
    assert len(places) == 1 + workers
    assert not any(alive(pid) for pid in places - {HOME})


def test_a_worker_that_is_killed_loses_and_doubles_nothing(tmp_path, caplog):
    found = results(works.KillsItselfOnce(HOME, tmp_path), 40)
    assert [result.split.id for result in found] == [str(n) for n in range(40)]
    assert len({result.accepted for result in found}) >= 2, "another one took its place"
    assert (tmp_path / "killed").exists()
    [warning] = [each.getMessage() for each in caplog.records]
    assert warning == (
        "a worker process is lost (it was killed by SIGKILL); another one does its work"
        " again"
    )


def test_workers_that_keep_dying_on_a_split_are_an_error():
    with pytest.raises(TransientError) as raised:
        results(works.KillsItself(HOME))
    assert str(raised.value) == (
        "engine processes: split 1 ended 2 worker processes, the last one: it was killed"
        " by SIGKILL; if memory is short, set fewer workers"
    )


def test_workers_that_end_by_themselves_are_an_error():
    with pytest.raises(TransientError, match="it ended with exit status 7"):
        results(works.Exits(HOME))


def test_a_worker_that_is_killed_while_it_starts_is_replaced(caplog, tmp_path):
    found = results(works.EndsAtStartOnce(HOME, tmp_path), 40)
    assert [result.split.id for result in found] == [str(n) for n in range(40)]
    [warning] = [each.getMessage() for each in caplog.records]
    assert warning == (
        "a worker process is lost (it was killed by SIGKILL while it started); another"
        " one does its work again"
    )


def test_workers_that_keep_dying_while_they_start_are_an_error():
    with pytest.raises(TransientError) as raised:
        results(works.EndsAtStart(HOME))
    assert str(raised.value) == (
        "engine processes: 2 worker processes ended before they could begin, the last"
        " one: it was killed by SIGKILL while it started; if memory is short, set fewer"
        " workers, or use engine local"
    )


def test_work_that_cannot_be_built_there_is_an_error():
    with pytest.raises(
        StepFailed,
        match="engine processes: a worker process could not begin: No module named"
        " 'elsewhere'; use engine local",
    ):
        results(works.Broken(HOME))


def test_an_error_has_its_type_its_causes_and_its_lines_of_code():
    with pytest.raises(AccessDenied) as raised:
        results(works.Raises(HOME))
    error = raised.value
    assert type(error) is AccessDenied
    assert str(error) == "s3://bucket/key: denied"
    assert type(error.__cause__).__name__ == "OddError"
    assert "works.py" in vars(error)[WORKER_FRAMES]
    shown = traceback_text(error, verbose=False)
    assert "in elsewhere" in shown
    assert "OddError: (message withheld; --verbose shows it)" in shown
    assert "SECRET" not in shown
    assert "SECRET-VALUE and 2" in traceback_text(error, verbose=True)


def test_an_error_that_cannot_be_sent_is_one_of_its_kind():
    with pytest.raises(AccessDenied, match="one and two") as raised:
        results(works.RaisesOdd(HOME))
    assert type(raised.value) is AccessDenied


def test_logs_come_once_and_at_the_parent_s_level(caplog, capfd):
    caplog.set_level(logging.INFO, logger="tests.worker")
    found = results(works.Logs(HOME), 20)
    ids = {result.split.id for result in found if result.accepted != HOME}
    assert ids
    said = [record.getMessage() for record in caplog.records]
    assert sorted(said) == sorted(f"split {name}" for name in ids)
    error = caplog.records[0].exc_info[1]
    assert "SECRET" not in traceback_text(error, verbose=False)
    assert "in elsewhere" in traceback_text(error, verbose=False)
    out, err = capfd.readouterr()
    assert (out, "printed" in err) == ("", True), "what a plugin prints is no result"


def test_a_stop_ends_it_and_its_workers():
    given = []

    def taken():
        for split in splits(1000):
            given.append(split.id)
            yield split

    engine = ProcessesEngine(ProcessesEngine.Settings(workers=1))
    found = list(
        engine.map(
            works.Work(HOME), taken(), parallelism=1, stop=lambda: len(given) == 5
        )
    )
    assert [result.split.id for result in found] == given
    assert len(given) == 5


def test_who_stops_listening_ends_the_workers(tmp_path):
    engine = ProcessesEngine(ProcessesEngine.Settings(workers=1))
    work = works.Hangs(HOME, tmp_path)
    found = engine.map(work, splits(1000), parallelism=1, stop=lambda: False)
    next(found)
    wait_until(lambda: list(tmp_path.glob("*.pid")))
    [pid] = [int(path.stem) for path in tmp_path.glob("*.pid")]
    began = time.monotonic()
    found.close()
    assert time.monotonic() - began < 5
    assert not alive(pid)
    assert not [
        each for each in threading.enumerate() if each.name == "reporting-worker"
    ]


PROGRAM = """
import os, sys
from pathlib import Path
from reporting_framework import Split
from reporting_framework.builtin.processes.engine import ProcessesEngine
from tests.framework.builtin.processes.works import Hangs

engine = ProcessesEngine(ProcessesEngine.Settings(workers=2))
splits = [Split(str(number), {}) for number in range(1000)]
work = Hangs(os.getpid(), Path(sys.argv[1]))
for _ in engine.map(work, splits, parallelism=1, stop=lambda: False):
    pass
"""
"""A script without a guard: its workers do not run it again."""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_workers_end_with_their_parent(tmp_path, number):
    """Also in the midst of a split; Ctrl-C goes to the whole group, of which they are not."""
    script = tmp_path / "script.py"
    script.write_text(PROGRAM)
    with subprocess.Popen(
        [sys.executable, script, tmp_path],
        stderr=subprocess.PIPE,
        text=True,
        process_group=0,
        env=os.environ | {"PYTHONPATH": os.getcwd()},
    ) as program:
        wait_until(lambda: len(list(tmp_path.glob("*.pid"))) == 2)
        pids = [int(path.stem) for path in tmp_path.glob("*.pid")]
        os.killpg(program.pid, number)
        _, said = program.communicate(timeout=30)
    wait_until(lambda: not any(map(alive, pids)), 10)
    assert program.returncode == -number
    assert said.count("Traceback") == (1 if number == signal.SIGINT else 0)
