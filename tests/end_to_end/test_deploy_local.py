"""`hatch run deploy-local` does what the how-to tells: deploy, use, change, roll back, destroy."""

import subprocess
import sys

import pytest

from tests.end_to_end.conftest import ROOT
from tests.support.terraform import missing


@pytest.mark.slow
def test_from_nothing_to_nothing():
    if reason := missing():
        pytest.skip(reason)
    command = [sys.executable, "-m", "tests.end_to_end.deploy_local", "event-log-checkpoint"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    said = done.stdout
    for line in (
        "the checkpoint has 290 rows",
        "layers: not in the plan",
        "version 1 answers again",
        "nothing is left",
    ):
        assert line in said


def test_what_it_cannot_deploy_it_skips_with_a_reason():
    command = [sys.executable, "-m", "tests.end_to_end.deploy_local", "nothing"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env={"PATH": ""})
    assert (done.returncode, done.stdout, done.stderr) == (0, "skipped: there is no terraform on PATH\n", "")
