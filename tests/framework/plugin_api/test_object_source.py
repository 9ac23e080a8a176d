"""Sources of objects: two methods, and all that a source promises."""

from functools import partial

import polars as pl
import pytest

from reporting_framework import (
    AccessDenied,
    ObjectInfo,
    ObjectMissing,
    ObjectRecords,
    ObjectSource,
    PluginError,
    ReadFailure,
    RecordSource,
    Rejection,
    StorageUnavailable,
    TableSource,
    supports,
)
from reporting_framework.plugin_api.object_plan import ObjectPlan
from reporting_framework.testing import CANARY, SourceContract
from reporting_framework.testing.harness.ledger import KnownObjects
from tests.support.plugins import checkpoint, event, execute, pipeline

SHELF = {}


class Shelf(ObjectSource):
    """Objects of a dict: a text is one record, a list of them several."""

    name = "shelf"
    split_objects = 3
    batch_bytes = 200

    def list_objects(self):
        for key, content in sorted(SHELF.items()):
            yield ObjectInfo(key, len(str(content)), str(hash(str(content))))

    def read_object(self, key):
        if key not in SHELF:
            raise ObjectMissing(f"shelf: {key}: it is not there")
        content = SHELF[key]
        if isinstance(content, Exception):
            raise content
        if isinstance(content, Rejection | ObjectRecords):
            return content
        version = str(hash(str(content)))
        if isinstance(content, bytes):
            return ObjectRecords([content], version)
        return ObjectRecords(content, version, multi_record=True)


class Tables(Shelf):
    """Objects of a dict: numbers, which are the rows of a frame."""

    name = "tables"
    output_format = "frames"

    def schema(self):
        return pl.Schema({"note": pl.String(), "n": pl.Int64()})

    def read_object(self, key):
        rows = super().read_object(key)
        if isinstance(rows, Rejection):
            return rows
        frame = pl.DataFrame(
            [(payload.decode(), len(payload)) for payload in rows.payloads],
            self.schema(),
            orient="row",
        )
        return ObjectRecords((), rows.version, rows.multi_record, frame)


@pytest.fixture(autouse=True)
def shelf():
    SHELF.clear()
    return SHELF


def shelved(shelf):
    """Put records on the shelf; return them by source key."""
    shelf |= {f"{number}": f"{CANARY} {number}".encode() for number in range(4)}
    shelf["lines"] = [f"{CANARY} {line}".encode() for line in range(3)]
    shelf["one#1"] = CANARY.encode()
    single = {key: content for key, content in shelf.items() if key.isdigit()}
    lines = {f"lines#{line + 1}": shelf["lines"][line] for line in range(3)}
    return {**single, **lines, "one#1#1": shelf["one#1"]}


def put(shelf, number):
    """Put one more record on the shelf."""
    shelf[f"more-{number:06}"] = payload = b"%d %s" % (number, b"." * 1_000)
    return f"more-{number:06}", payload


class TestShelf(SourceContract):
    plugin = Shelf
    crowd = 20

    @pytest.fixture
    def settings(self):
        return {}

    @pytest.fixture
    def records(self, shelf):
        return shelved(shelf)

    @pytest.fixture
    def add(self, shelf):
        return partial(put, shelf)


class TestTables(TestShelf):
    """The same promises, with frames."""

    plugin = Tables

    @pytest.fixture
    def records(self, shelf):
        return {key: row(payload) for key, payload in shelved(shelf).items()}

    @pytest.fixture
    def add(self, shelf):
        def add(number):
            key, payload = put(shelf, number)
            return key, row(payload)

        return add


def row(payload):
    return {"note": payload.decode(), "n": len(payload)}


def read(*keys):
    source = Shelf()
    return [batch for split in source.plan_replay(keys) for batch in source.read(split)]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ObjectMissing("x: gone"), "missing"),
        (AccessDenied("x: no"), "denied"),
        (StorageUnavailable("x: busy"), "unavailable"),
    ],
)
def test_an_object_that_cannot_be_read_is_unread_and_the_others_are_read(
    shelf, error, reason
):
    shelf |= {"a": b"1", "bad": error, "c": b"3"}
    [batch] = read("a", "bad", "c")
    assert batch.source_keys == ["a", "c"]
    assert batch.unread == [ReadFailure("bad", reason)]


def test_an_object_that_is_rejected_as_a_whole_has_a_reason(shelf):
    rejection = Rejection("bad", "v", "too_large")
    shelf |= {"bad": rejection, "c": b"3"}
    [batch] = read("bad", "c")
    assert (batch.source_keys, batch.rejected) == (["c"], [rejection])


@pytest.mark.parametrize("number", [0, 2])
def test_an_object_of_more_or_fewer_records_than_it_says_is_an_error(shelf, number):
    shelf["x"] = ObjectRecords([b"1"] * number)
    with pytest.raises(
        PluginError, match=f"source shelf: an object has {number} records"
    ):
        read("x")


def test_the_version_of_an_object_is_that_of_the_listing(shelf):
    shelf |= {"a": b"1", "b": b"2"}
    assert Shelf().object_version("b") == str(hash(str(b"2")))
    assert Shelf().object_version("c") is None


def test_runs_take_what_is_new_and_nothing_twice(shelf, tmp_path):
    out = tmp_path / "x.parquet"
    for number in range(5):
        shelf[f"{number:03}"] = event(number)
    assert execute(pipeline(Shelf(), checkpoint(out))).accepted == 5
    shelf["007"] = event(7)
    result = execute(pipeline(Shelf(), checkpoint(out)))
    assert (result.records_read, result.accepted, result.listing) == (1, 1, "full")


@pytest.mark.parametrize(("splits", "waiting"), [(1, 4), (2, 1), (3, 0)])
def test_what_was_found_and_not_handed_out_is_counted(shelf, splits, waiting):
    shelf |= {f"{number}": b"1" for number in range(8)}
    source = Shelf()
    plan = iter(source.plan(KnownObjects(["0"])))
    for _ in range(splits):
        next(plan)
    stats = source.plan_stats()
    assert (stats.waiting, stats.exhausted) == (waiting, splits == 3)


def test_a_split_is_bounded_by_bytes_too():
    plan = ObjectPlan(split_objects=100, split_bytes=10)
    objects = [
        ObjectInfo(str(at), size) for at, size in enumerate([4, 4, 4, 40, None, 1])
    ]
    keys = [split.data["keys"] for split in plan.splits(objects)]
    assert keys == [["0", "1"], ["2"], ["3"], ["4", "5"]]
    assert plan.ended


@pytest.mark.parametrize("base", [ObjectSource, TableSource, RecordSource])
def test_a_source_that_plans_by_itself_describes_its_next_run(base):
    """`reporting state` shows it; of another source it knows no more than its hints."""
    assert supports(base, "describe_hints")
    if base is ObjectSource:
        (text,) = Shelf().describe_hints(KnownObjects())
        assert text.startswith("Lists all objects")
