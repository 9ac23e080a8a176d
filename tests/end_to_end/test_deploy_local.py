"""`hatch run deploy-local` does what the how-to tells: deploy, use, change, roll back, destroy."""

import subprocess
import sys

import pytest

from tests.end_to_end.conftest import ROOT
from tests.support.terraform import missing

MODULE = "tests.end_to_end.deploy_local"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("report", "used"),
    [
        ("event-log-checkpoint", "the checkpoint has 290 rows"),
        ("event-processor", "20 events are counted"),
    ],
)
def test_from_nothing_to_nothing(report, used):
    if reason := missing():
        pytest.skip(reason)
    command = [sys.executable, "-m", MODULE, report]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    for line in (
        used,
        "layers: not in the plan",
        "version 1 runs again",
        "nothing is left",
    ):
        assert line in done.stdout


@pytest.mark.parametrize(
    ("report", "code", "message"),
    [
        (
            "event-procesor",
            2,
            "there is no example event-procesor; choose one of event-log-checkpoint, event-processor",
        ),
        ("event-processor", 1, "there is no terraform on PATH; nothing was deployed"),
    ],
)
def test_what_it_does_not_deploy_is_no_success(report, code, message):
    command = [sys.executable, "-m", MODULE, report]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, env={"PATH": ""}
    )
    assert (done.returncode, done.stdout, done.stderr) == (
        code,
        "",
        f"deploy-local: {message}\n",
    )
