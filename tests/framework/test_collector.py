"""The garbage collector is the program's to tune, and no library's."""

import subprocess
import sys

import pytest

SHOW = "; import gc; print(gc.get_threshold())"


@pytest.mark.parametrize(
    ("code", "tuned"),
    [
        ("import reporting_framework.runner", False),
        ("from reporting_framework.cli.main import reporting_run", False),
        ("from reporting_framework.collector import rarely; rarely()", True),
    ],
)
def test_it_is_left_alone_unless_a_program_says_so(code, tuned):
    done = subprocess.run([sys.executable, "-c", code + SHOW], capture_output=True, text=True, check=True)
    assert (done.stdout.strip() == "(20000, 50, 100)") is tuned


def test_the_command_line_is_such_a_program():
    code = "import atexit, gc; atexit.register(lambda: print(gc.get_threshold())); "
    code += "from reporting_framework.cli.main import reporting_run; reporting_run(['--version'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "(20000, 50, 100)"
