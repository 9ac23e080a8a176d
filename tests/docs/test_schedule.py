"""The schedules of the how-to page: the crontab's commands as cron runs them, the units as systemd reads them."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.playing import DOCS, blocks

PAGE = blocks((DOCS / "how-to" / "run-on-a-schedule.md").read_text())


@pytest.fixture
def folder(tmp_path):
    """The page's files, in another folder than the page's."""
    for block in PAGE:
        if block.title:
            path = tmp_path / block.title
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text.replace("/srv/reports", str(tmp_path)))
    (tmp_path / ".venv").symlink_to(Path(sys.executable).parents[1])
    return tmp_path


def test_cron_runs_the_report_and_mails_nothing_but_trouble(folder):
    entries, environment = [], {"PATH": "/usr/bin:/bin", "HOME": str(folder)}
    for line in (folder / "crontab").read_text().splitlines():
        if variable := re.fullmatch(r"([A-Z]+)=(.*)", line):
            environment[variable[1]] = variable[2]
            continue
        schedule = re.fullmatch(r"((?:[0-9*]+ ){5})([^%]+)", line)
        assert schedule, line
        entries.append(schedule[2])

    def mailed(command):
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            cwd="/",
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=60,
        )
        return done.stdout

    run, ask = entries
    assert "orders: never: no run has ended ok and complete" in mailed(ask)
    assert mailed(run) == ""
    assert (folder / "orders.log").read_text().startswith("orders: ok\n")
    assert mailed(ask) == ""
    (folder / "orders" / "2.json").write_text("{}")
    holder = ["flock", ".orders.lock", "sh", "-c", f"cd / && {run}"]
    subprocess.run(holder, cwd=folder, env=environment, check=True, timeout=60)
    assert (folder / "orders.log").read_text().count("orders: ok") == 1


@pytest.mark.slow
def test_systemd_reads_the_units_and_starts_the_report(folder):
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed")
    units = [str(folder / name) for name in ("orders.service", "orders.timer")]
    done = subprocess.run(
        [analyze, "verify", "--man=no", *units],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    own = [line for line in done.stderr.splitlines() if "orders." in line]
    assert own == []
    service, timer = (Path(unit).read_text() for unit in units)
    calendar = re.findall("^OnCalendar=(.*)$", timer, re.MULTILINE)
    subprocess.run(
        [analyze, "calendar", *calendar], check=True, capture_output=True, timeout=60
    )
    [command] = re.findall("^ExecStart=(.*)$", service, re.MULTILINE)
    [variable] = re.findall("^Environment=(.*)$", service, re.MULTILINE)
    done = subprocess.run(
        shlex.split(command),
        cwd=folder,
        env=dict([variable.split("=", 1)]) | {"PATH": os.defpath},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stdout[:11]) == (0, "orders: ok\n")
