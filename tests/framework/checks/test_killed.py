"""A run that is killed while its checks are judged has changed nothing, and the next run gives the table of a run that was never killed."""

import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from tests.framework.checks.reports import Given, execute, report, rows

pytestmark = pytest.mark.slow

CHECKS = [
    {"check": "unique", "columns": "sku"},
    {"check": "range", "column": "price", "min": 0},
]

KILLED = """
import os, signal, sys
from pathlib import Path
from reporting_object_store.parquet_sink.sink import ParquetCheckpoint
from tests.framework.checks.reports import Given, execute, parquet, report
from tests.framework.checks.test_killed import CHECKS, SECOND

class Killing(ParquetCheckpoint):
    def scan(self):  # what a check of the table begins with, once rows are staged
        os.kill(os.getpid(), signal.SIGKILL)

folder = Path(sys.argv[1])
sink = parquet(folder)
sink.__class__ = Killing
execute(report(folder, Given([SECOND]), *CHECKS, sinks=[sink], mode=sys.argv[2]))
"""

FIRST = rows({"id": 1, "sku": "A"}, {"id": 2, "sku": "B"})
SECOND = rows({"id": 2, "sku": "C", "version": "2"}, {"id": 3, "sku": "D"})


def committed(folder: Path) -> bytes:
    return (folder / "table.parquet").read_bytes()


@pytest.mark.parametrize("mode", ["append", "upsert", "replace"])
def test_a_killed_run_has_changed_nothing(tmp_path, mode):
    killed, other = tmp_path / "killed", tmp_path / "other"
    for folder in (killed, other):
        folder.mkdir()
        execute(report(folder, Given([FIRST]), mode=mode))
    before = committed(killed)
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(killed), mode],
        cwd=Path(__file__).parents[3],
        check=False,
        capture_output=True,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert committed(killed) == before
    for folder in (killed, other):
        execute(report(folder, Given([SECOND]), *CHECKS, mode=mode))
    tables = [pl.read_parquet(folder / "table.parquet") for folder in (killed, other)]
    assert tables[0].equals(tables[1])
    assert "C" in tables[0]["sku"] or mode == "append"
