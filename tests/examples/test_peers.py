"""The benchmarks' peers: what they need is locked, and each does the whole job."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from benchmarks.peers.import_times import imported
from benchmarks.peers.requests import Request, rounds
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


def request(began: float, ended: float) -> Request:
    return Request("dynamodb", "GetItem", (), {}, began, ended, failed=False)


def test_requests_that_overlapped_are_made_again_at_once():
    one, two, three, four = (
        request(began, ended) for began, ended in ((0, 3), (1, 2), (2.5, 4), (4, 5))
    )
    assert list(rounds([four, two, one, three])) == [[one, two, three], [four]]
    assert list(rounds([])) == []


def test_requests_of_a_process_are_recorded_with_their_outcome():
    code = """
import obstore, sys
from benchmarks.peers.requests import Recorder
from obstore.store import MemoryStore
recorder, store = Recorder(), MemoryStore()
obstore.put(store, "key", b"content", mode="overwrite")
try:
    obstore.get(store, "missing")
except FileNotFoundError:
    pass
try:
    obstore.list(store)
except TypeError as error:
    print(error)
for each in recorder.requests:
    print(each.operation, each.arguments, each.options, each.failed, each.began <= each.ended)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT
    )
    assert done.stdout.splitlines() == [
        "obstore.list: a listing cannot be made again",
        "put ('key', b'content') {'mode': 'overwrite'} False True",
        "get ('missing',) {} True True",
    ]


def test_imports_are_those_of_the_code_alone():
    code = "import colorsys"
    assert list(imported(code)) == ["colorsys"]


def test_our_own_modules_are_counted():
    script = str(PEERS / "import_times.py")
    code = "import reporting_framework.errors"
    done = subprocess.run(
        [sys.executable, script, code, "colorsys"], capture_output=True, text=True
    )
    answer = json.loads(done.stdout)
    ours = [name for name in imported(code) if name.startswith("reporting_")]
    assert answer["modules"] == len(ours)
    assert answer["modules"] > 0
    assert answer["ours"] > 0
    assert answer["others"] > 0
