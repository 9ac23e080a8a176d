"""The garbage collector is the program's to tune, and no library's."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    "module", ["reporting_framework.execution.runner", "reporting_framework.cli.main"]
)
def test_an_import_leaves_the_collector_as_it_is(module):
    code = f"import gc; before = gc.get_threshold(); import {module}; assert gc.get_threshold() == before"
    subprocess.run([sys.executable, "-c", code], check=True)
