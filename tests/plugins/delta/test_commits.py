"""A Delta table: what a commit writes, what it looks up, and races for a version."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake

from reporting_delta.log import DeltaLog
from reporting_framework import SOURCE_KEY, CommitContext
from reporting_framework.errors import (
    CommitConflict,
    CorruptCheckpoint,
    StorageUnavailable,
)
from tests.plugins.delta.tables import Table, prices, versioned

KEYS = prices(range(40))[SOURCE_KEY].to_list()


@pytest.fixture
def table(tmp_path):
    return Table(tmp_path / "out" / "prices")


# -- staged parts ----------------------------------------------------------------------


def test_staged_files_are_the_files_of_the_table(table):
    sink, parts = table.staged(prices(range(15)), prices(range(15, 25)))
    staged = {path: os.stat(f"{table.uri}/{path}").st_ino for path in table.files()}
    sink.commit(parts)
    sink.close()
    assert len(staged) == 4  # two years in the first part, and two in the second
    assert table.named() == set(staged) == table.files()
    assert staged == {
        path: os.stat(f"{table.uri}/{path}").st_ino for path in table.files()
    }
    assert table.keys == KEYS[:25]


def test_a_part_with_a_known_source_key_is_written_again_and_no_other(table):
    table.run(prices(range(5)))
    sink, parts = table.staged(prices(range(3, 8)), prices(range(8, 10)))
    staged = table.files() - table.named()
    result = sink.commit(parts)
    sink.close()
    assert (result.duplicates, result.outputs[0].new_rows) == (2, 5)
    assert table.keys == KEYS[:10]
    assert len(table.named() & staged) == 1
    assert table.files() == table.named()


def test_parts_that_share_a_source_key_are_taken_once(table):
    result = table.run(prices([1, 4]), prices([2, 4]), prices([3]))
    assert (result.duplicates, result.outputs[0].new_rows) == (1, 4)
    assert table.keys == KEYS[1:5]
    assert table.files() == table.named()


def test_many_small_parts_become_one_file_of_their_partition(table):
    table.run(*(prices([number], year=2000) for number in range(40)))
    assert len(table.named()) == 1
    assert table.keys == KEYS


def test_what_a_run_has_staged_goes_if_it_ends_without_a_commit(table):
    table.run(prices(range(5)))
    sink, _ = table.staged(prices(range(5, 15)))
    sink.close()
    assert table.files() == table.named()
    assert not list(Path(table.uri, "_reporting", "pending").iterdir())


def test_what_a_killed_process_has_staged_goes_a_day_later(table, monkeypatch):
    table.staged(prices(range(5)))  # and never closed
    left = table.files()
    table.run(prices(range(5)))
    assert left < table.files()
    monkeypatch.setattr("reporting_delta.sink.ABANDONED_SECONDS", -1)
    table.run(prices(range(5, 10)))
    assert table.files() == table.named()


# -- look-ups --------------------------------------------------------------------------


def test_a_look_up_reads_only_files_that_may_have_a_source_key(table):
    """Files of other ranges are not even there any more."""
    table.run(prices(range(10)))
    table.run(prices(range(10, 20)))
    old = next(path for path in table.named() if path.startswith("year=2000"))
    os.rename(f"{table.uri}/{old}", f"{table.uri}/elsewhere")
    sink = table.sink()
    assert sink.ledger().filter_new([*KEYS[10:12], *KEYS[20:22]]) == KEYS[20:22]
    result = table.run(prices(range(19, 25)))
    assert (result.duplicates, result.outputs[0].new_rows) == (1, 5)
    os.rename(f"{table.uri}/elsewhere", f"{table.uri}/{old}")
    assert table.keys == KEYS[:25]


def test_files_of_another_program_are_looked_up(table):
    """They have no exact range of source keys, and no columns of the partition."""
    table.run(prices(range(5)))
    write_deltalake(table.handle, prices(range(5, 15)), mode="append")
    table.handle.optimize.compact()
    assert table.sink().ledger().filter_new(KEYS[:20]) == KEYS[15:20]
    result = table.run(prices(range(10, 20)))
    assert (result.duplicates, result.outputs[0].rows) == (5, 20)
    assert table.keys == KEYS[:20]
    assert table.rows()["year"].to_list() == prices(range(20))["year"].to_list()


# -- races -----------------------------------------------------------------------------


def test_whoever_loses_the_race_plans_again(table):
    table.run(prices(range(3)))
    first, of_first = table.staged(prices(range(3, 8)))
    second, of_second = table.staged(prices(range(5, 12)))
    assert not first.commit(of_first).overtaken
    result = second.commit(of_second)
    assert (result.overtaken, result.duplicates, result.outputs[0].rows) == (
        True,
        3,
        12,
    )
    assert table.keys == KEYS[:12]


def test_two_runs_may_begin_the_table(table):
    first, of_first = table.staged(prices(range(5)))
    second, of_second = table.staged(prices(range(3, 8)))
    first.commit(of_first)
    assert second.commit(of_second).duplicates == 2
    assert table.keys == KEYS[:8]


def test_a_table_that_another_run_makes_while_it_is_opened_is_read(table, monkeypatch):
    """It is not taken for a damaged one: its log was empty, and then is not."""
    absent, made = DeltaLog._is_absent, []

    def late(self):
        if not made:
            made.append(True)
            Table(table.uri).run(prices(range(3)))
        return absent(self)

    monkeypatch.setattr(DeltaLog, "_is_absent", late)
    result = table.run(prices(range(2, 5)))
    assert (result.duplicates, result.outputs[0].rows) == (1, 5)
    assert table.keys == KEYS[:5]


def test_a_commit_whose_answer_is_lost_is_recognised(table, monkeypatch):
    commit = DeltaLog.commit

    def lost(self, *args):
        commit(self, *args)
        raise StorageUnavailable("no answer")

    table.run(prices(range(3)))
    monkeypatch.setattr(DeltaLog, "commit", lost)
    assert table.run(prices(range(3, 6))).outputs[0].new_rows == 3
    assert table.keys == KEYS[:6]
    assert table.files() == table.named()


def test_files_stay_if_a_commit_may_still_become_visible(table, monkeypatch):
    """The storage may do a write whose connection has ended, some time later."""
    commit, late = DeltaLog.commit, []

    def unknown(self, *args):
        late.append(lambda: commit(self, *args))
        raise StorageUnavailable("no answer")

    table.run(prices(range(3)))
    monkeypatch.setattr(DeltaLog, "commit", unknown)
    with pytest.raises(StorageUnavailable):
        table.run(prices(range(2, 6)))
    late[0]()
    assert table.keys == KEYS[:6]


WRITER = """
import sys
from tests.plugins.delta.tables import Table, prices
from reporting_framework.errors import CommitConflict
for begin in range(0, 60, 6):
    for _ in range(20):
        try:
            Table(sys.argv[1]).run(prices(range(begin, begin + 9), year=2000))
            break
        except CommitConflict:
            pass
    print(begin, flush=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_writers_at_once_and_killed_ones_take_each_source_key_once(table, seed):
    chance = random.Random(seed)
    command = [sys.executable, "-c", WRITER, table.uri]

    def start():
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    writers = [start() for _ in range(8)]
    for writer in writers[:4]:
        for _ in range(chance.randint(1, 3)):
            writer.stdout.readline()
        time.sleep(chance.random() * 0.05)
        os.kill(writer.pid, signal.SIGKILL)
    for writer in writers:
        writer.communicate(timeout=300)
    assert [writer.returncode for writer in writers[4:]] == [0] * 4
    assert table.keys == prices(range(63))[SOURCE_KEY].to_list()


# -- source state ----------------------------------------------------------------------


def test_the_state_outlives_commits_of_other_programs_and_the_log(table):
    state = {"cursor": "2024-01-01", "more": [1, {"é": None}]}
    table.run(prices(range(5)), context=CommitContext(state=state))
    table.run(prices(range(5, 10)))
    write_deltalake(table.handle, prices(range(10, 12)), mode="append")
    table.handle.create_checkpoint()
    for path in sorted(Path(table.uri, "_delta_log").glob("*.json"))[:-1]:
        path.unlink()
    assert table.sink().load_state() == state
    table.run(prices([12]), context=CommitContext(state={"cursor": "b"}))
    assert table.sink().load_state() == {"cursor": "b"}


def test_a_lost_state_is_an_error_and_not_an_absence(table):
    table.run(prices(range(5)), context=CommitContext(state={"cursor": 1}))
    for path in Path(table.uri, "_reporting", "state").iterdir():
        path.unlink()
    with pytest.raises(CorruptCheckpoint, match="source state of the table is missing"):
        table.sink().load_state()


# -- upserts ---------------------------------------------------------------------------


def test_an_upsert_replaces_only_files_with_its_rows(tmp_path):
    table = Table(tmp_path / "prices", "upsert")
    table.run(prices(range(30)))
    before = table.named()
    result = table.run(versioned(prices([12, 31]), "2"))
    assert result.upserted[:2] == (1, 1)
    assert len(before & table.named()) == 2
    assert table.rows()["_version"].to_list() == [
        "2" if n in (12, 30) else "1" for n in range(31)
    ]


def test_a_delete_of_a_row_in_a_partition_stays_deleted(tmp_path):
    """A delete has no year: its row must not get the year of a file that it is in."""
    table = Table(tmp_path / "prices", "upsert")
    at = datetime(2024, 1, 1, tzinfo=UTC)
    table.run(prices(range(3)))
    gone = prices([1]).with_columns(pl.lit(None, pl.Int64).alias("year"), price=None)
    table.run(versioned(gone, "2", at))
    table.run(versioned(prices([1]), "2"))
    row = table.rows().filter(pl.col(SOURCE_KEY) == KEYS[1]).row(0, named=True)
    assert (row["year"], row["_deleted_at"]) == (None, at)


def test_a_table_that_was_removed_meanwhile_is_not_made_again(table):
    table.run(prices(range(3)))
    sink, parts = table.staged(prices(range(2, 6)))
    shutil.rmtree(table.uri)
    with pytest.raises(CommitConflict, match="it was removed"):
        sink.commit(parts)
    assert not DeltaTable.is_deltatable(table.uri)
