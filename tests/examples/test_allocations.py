"""The benchmark that counts the blocks that Python allocates."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCKS = """
import itertools, pathlib, sys
from benchmarks import allocations
counter = allocations.library(pathlib.Path(sys.argv[1]))
counter.enter(2)
kept = [bytes(100) for _ in itertools.repeat(None, 1000)]
counter.enter(0)
print(counter.count(2))
"""
TABLE = """
from benchmarks import allocations
allocations.FEW, allocations.MANY, allocations.IN_A_FILE = 100, 300, 50
allocations.main()
"""

pytestmark = pytest.mark.skipif(
    shutil.which("cc") is None, reason="it needs a C compiler"
)


def output(code: str, *words: str) -> str:
    """Run some code in a process of its own: the counter cannot be taken out again."""
    command = [sys.executable, "-c", code, *words]
    return subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout


def test_each_block_is_counted_in_its_stage(tmp_path):
    assert 1000 <= int(output(BLOCKS, str(tmp_path))) < 1050


def test_the_table_has_a_row_for_files_and_one_for_lines():
    rows = output(TABLE).splitlines()[2:]
    found = [re.findall(r" ([\d.]+) (?=\|)", row) for row in rows]
    assert [row.split(" | ")[0] for row in rows] == [
        "| one record a file",
        "| 50 records a file",
    ]
    for *stages, whole in found:
        assert sum(map(float, stages)) == pytest.approx(float(whole), abs=0.2)
        assert all(float(stage) > 0 for stage in stages[1:])
    assert float(found[0][-1]) > float(found[1][-1])
