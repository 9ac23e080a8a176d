"""A distributed run: what plan, readers and commit do together, whatever fails or is done twice."""

import json
import time
from itertools import count

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting_framework import (
    CorruptCheckpoint,
    ObjectMissing,
    PluginError,
    ReadFailure,
    Rejection,
    TriggerError,
)
from reporting_framework.execution.distributed import plan_work, read_work, to_commit
from reporting_framework.execution.part_archive import pack_parts, unpack_parts
from reporting_framework.execution.split_reader import PreparedPart
from reporting_framework.execution.work_folder import Item
from reporting_framework.plugin_api.records import (
    DELETED_AT,
    SOURCE_KEY,
    VERSION,
    Split,
    SplitResult,
)
from reporting_framework.storage import open_store, parse_location
from reporting_framework.testing.fakes import KeptRows
from tests.support.plugins import (
    GivenRecords,
    WithoutStudy,
    batch,
    checkpoint,
    event,
    execute,
    name_of,
    pipeline,
    source,
    source_keys_of,
)

DAY = 24 * 60  # minutes
_places = count()


@pytest.fixture
def uri(monkeypatch):
    """A bucket in memory; a split has at most eight objects, as `max_in_flight` has it for other buckets."""
    monkeypatch.setattr("reporting_object_store.json_source.source.SPLIT_FILES", 8)
    return f"memory://distributed-{next(_places)}/in"


def put(uri, number, data=None, **more):
    store = open_store(uri)
    store.replace(
        name_of(number),
        event(number, **more) if data is None else data,
        content_type="application/json",
        metadata={},
    )


@pytest.fixture
def events(uri):
    """Thirty events, five of which a transform drops, and one that is rejected."""
    for number in range(30):
        put(uri, number, study="beta" if number % 6 == 0 else "alpha")
    put(uri, 30, b'{"study": "SECRET-VALUE"}')
    return uri


@pytest.fixture
def report(uri):
    """Makes the report, with at most eight objects in a split."""

    def make(place, **settings):
        chosen = {"max_in_flight": 1} | settings
        return pipeline(
            source(uri, **chosen),
            checkpoint(place),
            transforms=[WithoutStudy("beta")],
        )

    return make


@pytest.fixture
def work(tmp_path):
    return parse_location(str(tmp_path / "work"))


def items_of(folder):
    text = open_store(folder.location).get("items.jsonl").data
    return [Item(**json.loads(line)) for line in text.splitlines()]


def plan(made, work, *, deadline=None, max_splits=1000):
    return plan_work(made, work, deadline=deadline, max_splits=max_splits)


def read(report, place, folder, items):
    for item in items:
        read_work(report(place), folder, item)


def distribute(report, place, work, **how):
    """Plan, read and commit; the plan, and the result of the run."""
    folder, planned = plan(report(place), work, **how)
    read(report, place, folder, items_of(folder))
    return folder, planned, execute(to_commit(report(place), folder))


def test_the_table_has_the_same_bytes_and_the_result_the_same_numbers(
    events, report, tmp_path, work
):
    whole, parts = tmp_path / "whole" / "e.parquet", tmp_path / "parts" / "e.parquet"
    expected = execute(report(whole))
    _, planned, result = distribute(report, parts, work)
    assert len(planned.splits) == 4
    assert parts.read_bytes() == whole.read_bytes()
    same = {
        "records_read": 31,
        "accepted": 25,
        "filtered": 5,
        "rejected": 1,
        "complete": True,
        "listing": "full",
        "full_scan_due": result.full_scan_due,
    }
    assert same == {name: getattr(result, name) for name in same}
    assert abs(result.full_scan_due - expected.full_scan_due).total_seconds() < 60
    quarantine = [
        pl.read_parquet(place.parent / "_quarantine" / place.name).drop(
            "run_id", "rejected_at"
        )
        for place in (whole, parts)
    ]
    assert quarantine[0].equals(quarantine[1])
    [record] = report(parts).history.newest()
    assert (record.replay, record.complete, record.accepted) == (False, True, 25)


def test_what_is_done_twice_changes_nothing(events, report, tmp_path, work):
    place = tmp_path / "out" / "e.parquet"
    folder, _, result = distribute(report, place, work)
    before = place.read_bytes()
    read(report, place, folder, items_of(folder)[:2])
    again = execute(to_commit(report(place), folder))
    assert place.read_bytes() == before
    assert (result.accepted, again.accepted, again.duplicates) == (25, 0, 25)
    assert execute(report(place)).records_read == 0


def test_what_another_run_has_committed_meanwhile_is_no_row_twice(
    events, report, tmp_path, work
):
    place = tmp_path / "out" / "e.parquet"
    folder, _ = plan(report(place), work)
    read(report, place, folder, items_of(folder))
    put(events, 31)
    execute(report(place))
    between = place.read_bytes()
    result = execute(to_commit(report(place), folder))
    assert (result.accepted, result.duplicates) == (0, 25)
    assert place.read_bytes() == between


def test_a_split_without_a_result_is_left_to_the_next_plan(
    events, report, tmp_path, work, caplog
):
    """Also if its objects are older than the look-back of the newest row."""
    place = tmp_path / "out" / "e.parquet"
    assert execute(report(place)).complete
    late, new = range(40, 42), 400 * DAY
    for number in (*late, new):
        put(events, number)
    folder, planned = plan(report(place), work)
    [item] = items_of(folder)
    assert execute(to_commit(report(place), folder)).objects_unread == 3
    assert "split without a result" in caplog.text

    folder, planned = plan(report(place), work)
    assert [len(split.data["keys"]) for split in planned.splits] == [3]
    put(events, new + 1)
    read(report, place, folder, [item])
    result = execute(to_commit(report(place), folder))
    assert (result.accepted, result.objects_unread) == (3, 0)
    assert execute(report(place)).accepted == 1
    assert len(source_keys_of(place)) == 25 + 4


def test_an_old_object_that_is_left_is_found_by_the_next_plan(
    events, report, tmp_path, work
):
    """The rows that were committed meanwhile move the look-back past it."""
    place = tmp_path / "out" / "e.parquet"
    execute(report(place))
    for number in (*range(31, 39), 400 * DAY):
        put(events, number)
    folder, planned = plan(report(place), work)
    _, second = items_of(folder)
    read(report, place, folder, [second])
    result = execute(to_commit(report(place), folder))
    assert (result.accepted, result.objects_unread, result.status) == (1, 8, "partial")
    assert result.unread_reasons == {"unavailable": 8}
    _, planned = plan(report(place), work)
    assert planned.splits[0].data["keys"] == [name_of(n) for n in range(31, 39)]


def test_hints_stay_if_everything_was_taken(events, report, tmp_path, work):
    place = tmp_path / "out" / "e.parquet"
    execute(report(place))
    put(events, 31)
    _, planned, result = distribute(report, place, work)
    assert (planned.stats.listing, result.listing) == ("window", "window")
    put(events, 32)
    assert execute(report(place)).listing == "window"


def test_a_plan_that_was_cut_is_continued(events, report, tmp_path, work):
    whole, place = tmp_path / "whole" / "e.parquet", tmp_path / "out" / "e.parquet"
    execute(report(whole))
    _, planned, result = distribute(report, place, work, max_splits=3)
    assert (len(planned.splits), planned.complete, result.complete) == (3, False, False)
    assert result.remaining == 7
    late = time.monotonic()
    _, planned, result = distribute(report, place, work, deadline=late)
    assert (len(planned.splits), result.complete) == (1, True)
    assert place.read_bytes() == whole.read_bytes()
    _, planned, result = distribute(report, place, work)
    assert (planned.splits, result.complete, result.status) == ([], True, "ok")


def test_a_commit_out_of_time_leaves_the_rest_to_the_next_plan(
    events, report, tmp_path, work
):
    place = tmp_path / "out" / "e.parquet"
    folder, _ = plan(report(place), work)
    read(report, place, folder, items_of(folder))
    result = execute(to_commit(report(place), folder), deadline=time.monotonic())
    assert not result.complete
    assert 0 < result.accepted < 25
    _, _, rest = distribute(report, place, work)
    assert (rest.complete, rest.accepted + result.accepted) == (True, 25)


def test_a_quarantined_object_that_was_corrected_is_taken(
    events, report, tmp_path, work
):
    place = tmp_path / "out" / "e.parquet"
    assert distribute(report, place, work)[2].rejected == 1
    put(events, 30)
    _, planned, result = distribute(report, place, work)
    assert (len(planned.splits), result.accepted) == (1, 1)
    kept = pl.read_parquet(place.parent / "_quarantine" / place.name)
    assert set(kept["error_type"]) == {"filtered"}


@pytest.mark.parametrize("damage", [lambda data: data[:-5], lambda data: b"", "byte"])
def test_a_damaged_result_is_never_committed(events, report, tmp_path, work, damage):
    place = tmp_path / "out" / "e.parquet"
    folder, _ = plan(report(place), work)
    read(report, place, folder, items_of(folder))
    store, key = open_store(folder.location), "results/000002"
    data = store.get(key).data
    if damage == "byte":
        middle = data.index(b"ARROW1") + 100
        changed = data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]
    else:
        changed = damage(data)
    store.replace(key, changed, content_type="x/y", metadata={})
    with pytest.raises(CorruptCheckpoint, match=r"000002: it is no complete"):
        execute(to_commit(report(place), folder))
    assert not place.exists()


@pytest.mark.parametrize("file", ["plan.json", "splits.jsonl"])
def test_a_damaged_plan_is_never_committed(events, report, tmp_path, work, file):
    place = tmp_path / "out" / "e.parquet"
    folder, _ = plan(report(place), work)
    store = open_store(folder.location)
    data = store.get(file).data
    shorter = b"".join(data.splitlines(keepends=True)[:-1])
    longer = data.replace(b"log-submit", b"log-other-")
    for changed in (shorter, b"[1]", *[longer] * (file == "splits.jsonl")):
        store.replace(file, changed, content_type="x/y", metadata={})
        with pytest.raises(CorruptCheckpoint, match="its plan is damaged"):
            to_commit(report(place), folder)
    with pytest.raises(CorruptCheckpoint, match="its plan is damaged"):
        folder.read_split(Item(0, 1, 5))


def test_columns_that_have_changed_since_are_refused(events, report, tmp_path, work):
    place = tmp_path / "out" / "e.parquet"
    folder, _ = plan(report(place), work)
    read(report, place, folder, items_of(folder))
    made = report(place)
    other = made._replace(schema=pl.Schema({**made.schema, "number": pl.Int32()}))
    with pytest.raises(PluginError, match="column number is Int64, not Int32"):
        execute(to_commit(other, folder))


def test_the_plan_of_another_report_is_refused(events, report, tmp_path, work):
    place = tmp_path / "out" / "e.parquet"
    folder, _ = plan(report(place), work)
    other = report(place)._replace(report="other")
    with pytest.raises(TriggerError, match="plan is of report test, not of other"):
        to_commit(other, folder)


def test_other_settings_than_those_of_the_plan_are_refused(
    events, report, tmp_path, work
):
    """Keys of the plan would be read elsewhere, or rows committed to another table."""
    place, other = tmp_path / "out" / "e.parquet", tmp_path / "other" / "e.parquet"
    folder, _ = plan(report(place), work)
    [item, *_] = items_of(folder)
    with pytest.raises(TriggerError, match="had other settings of its source or"):
        read_work(report(place, max_in_flight=2), folder, item)
    with pytest.raises(TriggerError, match="had other settings of its source or"):
        to_commit(report(other), folder)


def test_a_table_that_was_reset_since_the_plan_is_refused(
    events, report, tmp_path, work
):
    place = tmp_path / "out" / "e.parquet"
    distribute(report, place, work)
    put(events, 31)
    folder, _ = plan(report(place), work)
    read(report, place, folder, items_of(folder))
    place.unlink()
    with pytest.raises(TriggerError, match="has 0 rows, and had 25 when"):
        execute(to_commit(report(place), folder))
    assert not place.exists()


def test_a_result_of_another_split_is_never_committed(events, report, tmp_path, work):
    place = tmp_path / "out" / "e.parquet"
    folder, _ = plan(report(place), work)
    read(report, place, folder, items_of(folder))
    store = open_store(folder.location)
    other = store.get("results/000001").data
    store.replace("results/000002", other, content_type="x/y", metadata={})
    with pytest.raises(CorruptCheckpoint, match=r"000002: it is no complete"):
        execute(to_commit(report(place), folder))


def test_an_object_that_was_discarded_and_corrected_is_planned_once(
    events, report, tmp_path, work
):
    place = tmp_path / "out" / "e.parquet"
    distribute(report, place, work)
    made = report(place)
    entries = made.metadata.quarantine.entries()
    made.metadata.discard(entries.filter(pl.col("error_type") != "filtered"))
    put(events, 30)
    _, planned, result = distribute(report, place, work)
    assert (len(planned.splits), result.accepted) == (1, 1)
    assert plan(report(place), work)[1].splits == []


def test_removal_takes_the_folder_and_nothing_else(events, report, tmp_path, work):
    place = tmp_path / "out" / "e.parquet"
    folder, _, _ = distribute(report, place, work)
    other, _ = plan(report(place), work)
    store = open_store(folder.location)
    store.replace("mine.txt", b"", content_type="text/plain", metadata={})
    folder.remove()
    folder.remove()
    assert [entry.key for page in store.list() for entry in page] == ["mine.txt"]
    assert other.read_plan().report == "test"
    with pytest.raises(ObjectMissing):
        to_commit(report(place), folder)
    with pytest.raises(ObjectMissing):
        folder.read_split(Item(0, 0, 5))


def test_reports_that_cannot_be_distributed_are_refused(tmp_path, work, uri, report):
    place = tmp_path / "out" / "e.parquet"
    given = pipeline(GivenRecords({"one": [batch(1)]}), checkpoint(place))
    with pytest.raises(PluginError, match="source test-given does not read immutable"):
        plan(given, work)
    replacing = report(place)._replace(write_modes=["replace"])
    with pytest.raises(PluginError, match="write_mode is replace, and another run"):
        plan(replacing, work)
    blind = pipeline(source(uri), checkpoint(place), KeptRows())
    with pytest.raises(PluginError, match="sink test-kept keeps no ledger"):
        plan(blind, work)
    assert not (tmp_path / "work").exists()


def test_split_data_that_is_not_json_is_the_sources_error(
    events, report, tmp_path, work
):
    place = tmp_path / "out" / "e.parquet"
    folder, planned = plan(report(place), work)
    wrong = planned._replace(splits=[Split("one", {"at": {1, 2}})])
    with pytest.raises(PluginError, match="data of a split is not JSON"):
        folder.write_plan(wrong)


@given(st.data())
def test_no_byte_of_a_result_can_change_unseen(data):
    rows = pl.DataFrame({"x": [1, 2], SOURCE_KEY: ["a", "b"]})
    kept = SplitResult(Split("one", {}), ["a", "b"], versions=["1", None], accepted=2)
    part = PreparedPart(SplitResult(Split("one", {})), kept, rows)
    packed, _ = pack_parts(Split("one", {}), [part])
    at = data.draw(st.integers(0, len(packed) - 1))
    byte = packed[at] ^ data.draw(st.integers(1, 255))
    changed = packed[:at] + bytes([byte]) + packed[at + 1 :]
    with pytest.raises(CorruptCheckpoint):
        list(unpack_parts(changed, Split("one", {}), "there"))


def test_parts_are_the_same_after_they_were_packed():
    split = Split("one", {"keys": ["a"]})
    rows = pl.DataFrame({"x": [1], SOURCE_KEY: ["a#1"], VERSION: ["2"]})
    deleted = rows.with_columns(
        pl.lit(None, pl.Datetime("us", "UTC")).alias(DELETED_AT)
    )
    taken = SplitResult(
        split,
        ["a#2"],
        versions=[None],
        rejections=[Rejection("a#2", None, "missing", "f")],
        unread=[ReadFailure("b", "denied")],
        ignored=["c"],
        position={"at": [1]},
        seconds={"read": 0.5},
        spans={"read": (1.0, 1.5)},
    )
    kept = SplitResult(
        split, pl.Series(["a#1"]), versions=pl.Series(["2"]), accepted=1,
        ignored_fields={"y": 2},
    )  # fmt: skip
    gone = SplitResult(split, deletes=deleted.select(SOURCE_KEY, VERSION))
    parts = [
        PreparedPart(taken, kept, rows),
        PreparedPart(gone, None, deleted, deletes=True),
        PreparedPart(SplitResult(split)),
    ]
    data, records = pack_parts(split, parts)
    found = list(unpack_parts(data, split, "there"))
    assert records == 2
    assert [part.deletes for part in found] == [False, True, False]
    assert found[0].rows.equals(rows)
    assert found[1].rows.equals(deleted)
    assert found[1].taken.deletes.equals(gone.deletes)
    assert (found[1].kept, found[2].kept, found[2].rows) == (None, None, None)
    for one, other in ((found[0].taken, taken), (found[0].kept, kept)):
        for name in (
            "split", "accepted", "rejections", "unread", "ignored", "ignored_fields",
            "position", "seconds", "spans",
        ):  # fmt: skip
            assert getattr(one, name) == getattr(other, name), name
        assert list(one.source_keys) == list(other.source_keys)
        assert list(one.versions) == list(other.versions)
