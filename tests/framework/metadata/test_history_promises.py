"""What a report relies on in its history of runs."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest

from reporting_framework.metadata.history import RunHistory
from reporting_framework.plugin_api.result import (
    Output,
    RejectionCount,
    RunRecord,
    Step,
)
from reporting_framework.storage import open_store, parse_location

AT = datetime(2024, 1, 1, tzinfo=UTC)
WRITERS = 4
COLUMNS = ["source_key", "version", "run_id", "validator", "at"]


def record(number, **more):
    """The record of a run that began `number` minutes after `AT`."""
    began = AT + timedelta(minutes=number)
    return RunRecord(
        run_id=f"run-{number}",
        report="test",
        started_at=began,
        finished_at=began + timedelta(seconds=1),
        status="ok",
        complete=True,
        **more,
    )


FULL = record(
    1,
    records_read=7,
    accepted=4,
    rejected=1,
    filtered=1,
    duplicates=1,
    last_processed_timestamp=AT,
    inputs=["s3://in/a"],
    outputs=[Output(uri="s3://out/x", rows=9, new_rows=4, bytes=100, version="v")],
    rejections=[RejectionCount(type="missing", field="ptid", count=1)],
    steps=[Step(role="validator", name="v", distribution="d", version="1")],
    framework="1",
)


KEPT_RUNS = 6
_numbers = itertools.count(1)


@pytest.fixture(params=["folder", "memory", "s3"])
def place(request, tmp_path):
    """The folder of the history."""
    if request.param == "folder":
        return parse_location(str(tmp_path / "a"))
    if request.param == "memory":
        return parse_location(f"memory://history-{next(_numbers)}/a")
    request.getfixturevalue("s3_environment")
    return parse_location(f"s3://{request.getfixturevalue('bucket')}/a")


@pytest.fixture
def history(place):
    """Makes the history, each time afresh."""
    return lambda: RunHistory(place, KEPT_RUNS)


@pytest.fixture
def spoil(place):
    """Damages the history."""
    return lambda: damage(place)


def damage(place):
    """Put something else in the place of all that the history holds."""
    store = open_store(place)
    keys = [each.key for page in list(store.list()) for each in page]
    for key in keys:
        if not key.endswith(".lock"):
            store.replace(key, b"\0{]\nPAR1", content_type="text/plain", metadata={})


def test_a_history_keeps_what_it_is_given(history):
    """Records as they were, the newest run first."""
    assert list(history().records()) == list(history().newest()) == [], (
        "an empty history has no records"
    )
    failed = record(2).model_copy(
        update={
            "status": "failed",
            "complete": False,
            "error": "StorageUnavailable",
        }
    )
    for run_record in (FULL, failed):
        history().add_run(run_record)
    records = list(history().records())
    assert records == [
        failed,
        FULL,
    ], f"a history keeps what it is given, the newest first: {records}"
    assert list(history().newest()) == records, (
        "the records one by one are the same, the one that ended last first"
    )


def test_a_history_is_bounded(history):
    """The oldest records are let go of."""
    for number in range(KEPT_RUNS + 3):
        history().add_run(record(number))
    run_ids = [record.run_id for record in history().records()]
    due = [f"run-{number}" for number in reversed(range(3, KEPT_RUNS + 3))]
    assert run_ids == due, f"a history is bounded, and the oldest go first: {run_ids}"


def test_records_kept_at_once_are_all_there(history):
    """Check that several runs can end at the same time.

    Each of them has read the history before.
    """
    opened = [history() for _ in range(WRITERS)]
    for each in opened:
        each.load()
    barrier = Barrier(WRITERS)

    def keep(number: int):
        barrier.wait(timeout=30)
        opened[number].add_run(record(number))

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(keep, range(WRITERS)))
    run_ids = {record.run_id for record in history().records()}
    due = {f"run-{number}" for number in range(WRITERS)}
    assert run_ids == due, (
        f"records kept at once are all there: missing {due - run_ids}"
    )


def test_a_row_s_run_is_found(history):
    """By its source key: version, run, validator and time.

    Of two runs that brought it, the newer first.
    """
    nothing = history().lineage(["a.json"])
    assert (nothing.columns, nothing.height) == (
        COLUMNS,
        0,
    ), f"an empty history knows no row: {nothing}"
    one = history()
    one.add_rows(["a.json", "b.json#1"], ["v1", None])
    one.add_rows(["b.json#2"], [None])
    assert history().lineage(["a.json"]).height == 0, (
        "what is noted is set down by `write`, and not before"
    )
    one.flush(run_id="one", validator="v", at=AT)
    two = history()
    two.add_rows(["a.json"], ["v2"])
    two.flush(run_id="two", validator="w", at=AT + timedelta(days=1))
    lineage = history().lineage(["a.json", "b.json#2", "c.json"])
    due = [
        ("a.json", "v2", "two", "w", AT + timedelta(days=1)),
        ("a.json", "v1", "one", "v", AT),
        ("b.json#2", None, "one", "v", AT),
    ]
    assert lineage.columns == COLUMNS, f"columns are {COLUMNS}: {lineage.columns}"
    assert lineage.rows() == due, (
        f"a row's run is found by its source key: {lineage.rows()}"
    )


def test_notes_from_several_threads_are_all_there(history):
    """Each once, whatever the order."""
    one = history()
    with ThreadPoolExecutor(8) as pool:
        list(
            pool.map(lambda number: one.add_rows([f"{number}.json"], ["v"]), range(64))
        )
    one.flush(run_id="one", validator="v", at=AT)
    keys = (
        history()
        .lineage([f"{number}.json" for number in range(64)])["source_key"]
        .to_list()
    )
    assert sorted(keys) == sorted(f"{number}.json" for number in range(64)), (
        "notes of several threads are there"
    )


def test_a_damaged_history_does_not_stop_a_run(history, spoil):
    """It is read as far as that goes, and what is kept from then on is there."""
    one = history()
    one.add_rows(["a.json"], ["v1"])
    one.flush(run_id="one", validator="v", at=AT)
    one.add_run(record(1))
    spoil()
    assert list(history().records()) == [], (
        "a damaged history has no records, and raises nothing"
    )
    assert history().lineage(["a.json"]).height == 0, (
        "a damaged history knows no row, and raises nothing"
    )
    two = history()
    two.add_rows(["b.json"], ["v1"])
    two.flush(run_id="two", validator="v", at=AT)
    two.add_run(record(2))
    assert [record.run_id for record in history().records()] == ["run-2"], (
        "what is kept after damage is there"
    )
    assert history().lineage(["b.json"]).height == 1, (
        "what is set down after damage is there"
    )
