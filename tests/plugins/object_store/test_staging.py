"""Staged rows come back in order, all of them, and nothing of them stays on the disk."""

import os
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting_object_store.parquet_sink.staging import (
    SAMPLE,
    StagedFile,
    StagingArea,
    in_order,
    merge_rows,
)
from tests.plugins.object_store import tables
from tests.plugins.object_store.tables import START, rows, shared, table


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """The system's folder for temporary files, for this test only."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@given(rows, st.integers(1, 5), st.integers(1, 9), st.data())
def test_staged_rows_come_back_in_order_and_all_of_them(found, count, size, draw):
    """For any division into pieces, frames are sorted, follow each other, and no timestamp is in two of them."""
    spool = StagingArea("timestamp")
    try:
        hands = [hand for hand in shared(draw, found, count) if hand]
        pieces = [
            spool.add("k", table(hand), str(number))
            for number, hand in enumerate(hands)
        ]
        assert [piece.rows for piece in pieces] == [len(hand) for hand in hands]
        parts = list(in_order(pieces, "timestamp", size)) if pieces else []
    finally:
        spool.clear()
    assert [each for part in parts for each in part.rows()] == tables.in_order(found)
    moments = [set(part["timestamp"]) for part in parts]
    assert sum(map(len, moments)) == len(set().union(*moments))


def row(number, source_key):
    from datetime import timedelta

    return (
        "a",
        None,
        number,
        1,
        None,
        True,
        None,
        START + timedelta(seconds=number),
        source_key,
    )


def test_frames_are_about_as_large_as_asked_for(temporary):
    spool = StagingArea("timestamp")
    pieces = [
        spool.add(
            "k",
            table(
                [row(number, f"{piece}-{number}") for number in range(piece, 4000, 4)]
            ),
            f"{piece}",
        )
        for piece in range(4)
    ]
    heights = [part.height for part in in_order(pieces, "timestamp", 500)]
    assert sum(heights) == 4000
    assert max(heights) <= 500 + 4 * SAMPLE
    assert len(heights) <= 12


def test_the_same_name_again_replaces_what_was_staged(temporary):
    spool = StagingArea("timestamp")
    spool.add("k", table([row(1, "old")]), "name")
    piece = spool.add("k", table([row(2, "new")]), "name")
    other = spool.add("l", table([row(3, "other")]), "name")
    assert [part.rows()[0][-1] for part in in_order([piece], "timestamp", 10)] == [
        "new"
    ]
    assert piece.path != other.path
    assert len(list(spool.folder().iterdir())) == 2


def test_nothing_is_made_before_it_is_needed_and_everything_is_removed(temporary):
    spool = StagingArea("timestamp")
    spool.clear()
    assert list(temporary.iterdir()) == []
    spool.add("k", table([row(1, "a")]), "name")
    assert [
        path.name.startswith("reporting-locked-spool-") for path in temporary.iterdir()
    ] == [True]
    spool.clear()
    assert list(temporary.iterdir()) == []
    assert spool.folder().is_dir(), "it can be used again"


def test_threads_that_stage_at_once_share_one_folder(temporary):
    for _ in range(20):
        spool, gate = StagingArea("timestamp"), threading.Barrier(8)

        def folder(_, spool=spool, gate=gate):
            gate.wait()
            return spool.folder()

        with ThreadPoolExecutor(8) as pool:
            assert len(set(pool.map(folder, range(8)))) == 1
        spool.clear()
    assert list(temporary.iterdir()) == []


HOLDS = """
import sys, time
from reporting_framework.storage import open_store
from reporting_object_store.parquet_sink.staging import StagingArea
folder = StagingArea("timestamp").folder()
(folder / "rows.arrow").write_bytes(b"rows")
with open_store("memory://x").temp_path("k") as copy:
    print(folder, copy, sep="\\n", flush=True)
    time.sleep(600)
"""


def test_what_a_killed_process_left_is_removed_at_once_and_what_another_uses_stays(
    temporary,
):
    """Rows and a copy of the checkpoint: their age tells nothing, a lock does."""
    (temporary / "another-folder").mkdir()
    environment = os.environ | {"TMPDIR": str(temporary)}
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        try:
            held = [Path(process.stdout.readline().strip()) for _ in range(2)]
            for path in held:
                os.utime(path, (0, 0))
            StagingArea("timestamp").folder()
            assert [path.exists() for path in held] == [True, True]
        finally:
            process.kill()
    StagingArea("timestamp").folder()
    assert [path.exists() for path in held] == [False, False]
    assert (temporary / "another-folder").is_dir()


def test_a_folder_that_goes_while_it_is_looked_at_harms_nobody(temporary):
    (temporary / "reporting-locked-spool-7").symlink_to(temporary / "nothing")
    assert Path(StagingArea("timestamp").folder()).is_dir()


def test_threads_that_make_and_remove_folders_at_once_take_none_from_each_other(
    temporary,
):
    """Between the moment that a folder is made and that it is locked, it looks abandoned."""

    def work(number):
        for _ in range(100):
            spool = StagingArea("timestamp")
            (spool.folder() / "rows").write_bytes(b"rows")
            assert (spool.folder() / "rows").read_bytes() == b"rows"
            spool.clear()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert list(temporary.iterdir()) == []


@pytest.mark.parametrize(
    ("rows", "at_once"),
    [
        ([10] * 3, 4_096),
        ([2_000] * 20, 4_096),
        ([100_000] * 5, 31_250),
        ([100_000] * 50, 65_536),
    ],
)
def test_few_rows_are_merged_few_at_once_and_many_rows_more(rows, at_once):
    pieces = [StagedFile("x", Path("p"), number, (0, 1)) for number in rows]
    assert merge_rows(pieces) == at_once


@pytest.mark.parametrize(
    ("rows", "batch"), [(2_000, 512), (16_000, 2_000), (100_000, 4_096)]
)
def test_a_small_piece_is_read_in_small_batches(rows, batch):
    """A slice keeps its batch in memory, and there may be many small pieces."""
    frame = pl.DataFrame(
        {"timestamp": range(rows), "source_key": ["k"] * rows}
    ).with_columns(pl.from_epoch("timestamp").dt.replace_time_zone("UTC"))
    area = StagingArea("timestamp")
    piece = area.add("x", frame, "p")
    with piece.path.open("rb") as file:
        assert pl.read_ipc(file).n_chunks() == -(-rows // batch)
    area.clear()
