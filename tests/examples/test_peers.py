"""The benchmarks' peers: what they need is locked, and each does the whole job."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PEERS = ROOT / "benchmarks" / "peers"


def test_the_peers_environment_is_locked_without_an_address():
    lines = (PEERS / "requirements.txt").read_text().splitlines()
    assert [
        line
        for line in lines
        if not re.fullmatch(r"[a-z0-9-]+==[0-9][\w.]*( ; [^/]+)?", line)
    ] == []
    locked = {
        line.partition("==")[0]: line.partition("==")[2].partition(" ")[0]
        for line in lines
    }
    project = tomllib.loads((ROOT / "framework" / "pyproject.toml").read_text())[
        "project"
    ]
    asked = [
        line
        for line in (PEERS / "requirements.in").read_text().splitlines()
        if not line.startswith("#")
    ]
    for text in [*asked, *project["dependencies"]]:
        requirement = Requirement(text)
        assert requirement.specifier.contains(locked[requirement.name]), text


@pytest.mark.parametrize("peer", ["ours", "powertools", "adapter", "bare"])
def test_each_peer_processes_every_record_of_a_stream(peer):
    command = [sys.executable, str(PEERS / "event_batch.py"), peer, "50"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["events"] == 50
