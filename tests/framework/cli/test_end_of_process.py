"""How a program ends its process."""

import gzip
import os
import subprocess
import sys

import pytest

END = "from reporting_framework.cli.interrupts import end_process\nend_process(7)\n"


def ended(code: str) -> subprocess.CompletedProcess[str]:
    """The outcome of Python code that ends the process with 7."""
    return subprocess.run(
        [sys.executable, "-c", code + END],
        env={**os.environ, "PYTHONUNBUFFERED": ""},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_what_was_printed_arrives_and_functions_at_exit_are_called():
    done = ended(
        "import atexit\n"
        "atexit.register(print, 'called at exit', end='')\n"
        "print('printed', end=' ')\n"
    )
    assert (done.returncode, done.stdout, done.stderr) == (
        7,
        "printed called at exit",
        "",
    )


def test_modules_are_not_freed():
    done = ended("class Loud:\n    def __del__(self): print('freed')\nloud = Loud()\n")
    assert (done.returncode, done.stdout) == (7, "")


@pytest.mark.parametrize("seconds", [0.02, 0.5])
def test_a_thread_ends_its_work_first(seconds):
    done = ended(
        "import threading, time\n"
        f"def work(): time.sleep({seconds}); print('worked')\n"
        "threading.Thread(target=work).start()\n"
    )
    assert (done.returncode, done.stdout) == (7, "worked\n")


def test_work_left_to_a_pool_is_done():
    done = ended(
        "from concurrent.futures import ThreadPoolExecutor\n"
        "pool = ThreadPoolExecutor(1)\n"
        "for number in range(3): pool.submit(print, number)\n"
    )
    assert (done.returncode, done.stdout) == (7, "0\n1\n2\n")


def test_a_daemon_thread_does_not_hold_up_the_end():
    done = ended(
        "import threading, time\n"
        "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
    )
    assert done.returncode == 7


def test_threads_that_wait_for_work_delay_the_end_once():
    done = ended(
        "import atexit, threading, time\n"
        "from concurrent.futures import ThreadPoolExecutor\n"
        "pool, met = ThreadPoolExecutor(32), threading.Barrier(32)\n"
        "list(pool.map(lambda _: met.wait(), range(32)))\n"
        "begin = time.monotonic()\n"
        "atexit.register(lambda: print(time.monotonic() - begin < 1.5))\n"
    )
    assert (done.returncode, done.stdout) == (7, "True\n")


def test_a_file_that_was_not_closed_is_complete(tmp_path):
    path = tmp_path / "rows.txt.gz"
    done = ended(
        f"import gzip\nfile = gzip.open({str(path)!r}, 'wt')\nfile.write('a row')\n"
    )
    assert (done.returncode, gzip.decompress(path.read_bytes())) == (7, b"a row")


def test_the_first_stdout_is_written_too():
    done = ended("import io, sys\nprint('first')\nsys.stdout = io.StringIO()\n")
    assert (done.returncode, done.stdout) == (7, "first\n")


def test_a_closed_stdout_does_not_change_the_exit_code():
    done = ended("import sys\nsys.stdout.close()\n")
    assert (done.returncode, done.stderr) == (7, "")


@pytest.mark.parametrize(
    "code",
    [
        "import atexit, os, signal\n"
        "atexit.register(lambda: os.kill(os.getpid(), signal.SIGINT))\n",
        "import os, signal, sys, threading, time\n"
        "def work():\n"
        "    while sys.unraisablehook is sys.__unraisablehook__: time.sleep(0.01)\n"
        "    os.kill(os.getpid(), signal.SIGINT)\n"
        "    time.sleep(30)\n"
        "threading.Thread(target=work).start()\n",
    ],
    ids=["a function at exit", "a thread that goes on"],
)
def test_ctrl_c_at_the_end_ends_it_at_once_and_without_a_traceback(code):
    done = ended(f"print('printed')\n{code}")
    assert (done.returncode, done.stdout) == (130, "printed\n")
    assert done.stderr == "interrupted\n"
