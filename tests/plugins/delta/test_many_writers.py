"""Writers at once on one Delta table, some of them killed: every row once.

Each run reads the source state, stages the rows that follow it and some that others
stage too, and commits them with the next state, as runs of a source with a cursor do.
"""

import os
import random
import signal
import subprocess
import sys
import time

import polars as pl
import pytest

from reporting_delta.log import DeltaLog
from reporting_delta.place import DeltaPlace
from reporting_delta.snapshot import read_snapshot
from reporting_framework import SOURCE_KEY
from reporting_framework.storage import open_store
from tests.plugins.delta.tables import Table, prices

STEP = 6
"""Rows by which a round moves the source state."""

WRITER = """
import sys
from reporting_framework import CommitContext, Split
from reporting_framework.errors import CommitConflict
from tests.plugins.delta.tables import Table, prices

uri, number, step, end = sys.argv[1], *map(int, sys.argv[2:])
table = Table(uri)
while True:
    sink = table.sink()
    sink.ledger()
    upto = (sink.load_state() or {"upto": 0})["upto"]
    print(upto, flush=True)
    if upto >= end:
        break
    begin, last = max(0, upto - number), upto + step
    try:
        parts = [
            sink.stage(prices(range(*each)), Split(str(each), {}), 0)
            for each in ((begin, upto + 2), (upto + 1, min(end, last + number)))
        ]
        sink.commit(parts, CommitContext(state={"upto": last}))
    except CommitConflict:
        pass  # the others won all races: the next run begins from their version
    finally:
        sink.close()
"""


def race(uri, rounds, writers, kills, seed):
    """Let writers race for so many rounds, and replace each one that is killed."""
    chance = random.Random(seed)
    end = rounds * STEP

    def start(number):
        words = [uri, str(number), str(STEP), str(end)]
        return subprocess.Popen(
            [sys.executable, "-c", WRITER, *words], stdout=subprocess.PIPE, text=True
        )

    running = [start(number) for number in range(writers)]
    killed = 0
    try:
        for _ in range(kills):
            number = chance.randrange(writers)
            victim = running[number]
            for _ in range(chance.randint(1, max(1, rounds // kills))):
                victim.stdout.readline()
            time.sleep(chance.random() * 0.1)
            if victim.poll() is None:
                os.kill(victim.pid, signal.SIGKILL)
                victim.communicate()
                running[number] = start(number)
                killed += 1
        for each in running:
            each.communicate(timeout=600)
        assert [each.returncode for each in running] == [0] * writers
    finally:
        for each in running:
            if each.poll() is None:
                each.kill()
            each.communicate()
    assert killed, "one was killed while it worked"


def check(uri, rounds):
    """Compare the table with its source, without the files of lost attempts."""
    due = prices(range(rounds * STEP))
    log = DeltaLog(DeltaPlace.parse(uri))

    def rows(version=None):
        return pl.DataFrame(log.open(version).scan()).sort(SOURCE_KEY)

    assert rows().select(due.columns).equals(due)
    for version in range(0, log.open().version() + 1, max(1, rounds // 10)):
        state = read_snapshot(log, None, version).manifest.state or {"upto": 0}
        there = rows(version)[SOURCE_KEY].to_list()
        claimed = due[SOURCE_KEY].to_list()[: state["upto"]]
        assert there[: len(claimed)] == claimed, "a state claims only what is there"
        assert len(there) == len(set(there))
    named = {file.key for file in read_snapshot(log, None).manifest.files}
    store = open_store(uri)
    for entry in [entry for page in store.list() for entry in page]:
        is_data = entry.key.endswith(".parquet") and "_delta_log/" not in entry.key
        if is_data and entry.key not in named:
            store.delete(entry.key, if_version=None)
    assert rows().select(due.columns).equals(due)
    assert read_snapshot(log, None).manifest.state == {"upto": rounds * STEP}
    result = Table(uri).run(prices(range(rounds * STEP + 1)))
    assert result.outputs[0].new_rows == 1


def test_three_writers_and_two_kills(tmp_path):
    uri = str(tmp_path / "out" / "prices")
    race(uri, rounds=8, writers=3, kills=2, seed=0)
    check(uri, 8)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_eight_writers_for_200_rounds_in_a_folder(tmp_path, seed):
    uri = str(tmp_path / "out" / "prices")
    race(uri, rounds=200, writers=8, kills=25, seed=seed)
    check(uri, 200)


@pytest.mark.slow
@pytest.mark.usefixtures("s3_environment")
def test_eight_writers_for_200_rounds_in_a_bucket(bucket):
    uri = f"s3://{bucket}/out/prices"
    race(uri, rounds=200, writers=8, kills=25, seed=0)
    check(uri, 200)
