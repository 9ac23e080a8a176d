"""Natural keys: a key of a table or an API is one record for good, whatever it ends in."""

import polars as pl
import pytest

from reporting_framework import SOURCE_KEY, Batch, PlanStats, Rejection, Source, Split
from reporting_framework.operations.quarantine import read_records
from reporting_framework.plugin_api.records import ReadFailure
from tests.support.plugins import checkpoint, event, execute, metadata, pipeline

KEYS = ["ORD", "ORD#1", "ORD#1#2", "ORD#01", "#7", "plain", "tail#"]


class Orders(Source):
    """A source of records by key: those of `bad` are rejected by the validator, those of `refused` by itself."""

    name = "test-orders"
    natural_keys = True

    def __init__(self, keys, bad=(), refused=()):
        self.keys, self.bad, self.refused = keys, bad, refused
        self.read_keys = []

    def plan(self, ledger):
        new = ledger.filter_new(self.keys, lambda key: "1")
        return [Split("all", {"keys": new})] if new else []

    def plan_replay(self, objects):
        return [Split("again", {"keys": list(objects)})]

    def read(self, split):
        keys = split.data["keys"]
        self.read_keys += keys
        given = [key for key in keys if key not in self.refused]
        yield Batch(
            source_keys=given,
            versions=["1"] * len(given),
            payloads=[
                b"{}" if key in self.bad else event(self.keys.index(key))
                for key in given
            ],
            rejected=[
                Rejection(key, "1", "undecodable")
                for key in keys
                if key in self.refused
            ],
            unread=[ReadFailure("gone", "missing")] if "gone" in keys else [],
        )

    def plan_stats(self):
        return PlanStats(exhausted=True)


@pytest.mark.parametrize("key", KEYS)
def test_a_record_is_read_once_whatever_its_key_ends_in(tmp_path, key):
    others = [each for each in KEYS if each != key]
    place = tmp_path / "x.parquet"
    assert execute(pipeline(Orders(others), checkpoint(place))).accepted == len(others)
    source = Orders(KEYS)
    assert execute(pipeline(source, checkpoint(place))).accepted == 1
    assert source.read_keys == [key], "no other key hides it, and none is read again"
    again = Orders(KEYS)
    assert execute(pipeline(again, checkpoint(place))).records_read == 0
    assert pl.read_parquet(place)[SOURCE_KEY].n_unique() == len(KEYS)


@pytest.mark.parametrize("by", ["bad", "refused"])
def test_a_rejected_record_waits_and_is_replayed_under_its_own_key(tmp_path, by):
    place = tmp_path / "x.parquet"
    done = execute(pipeline(Orders(KEYS, **{by: ["ORD#1"]}), checkpoint(place)))
    assert (done.accepted, done.rejected) == (len(KEYS) - 1, 1)
    source = Orders(KEYS)
    assert execute(pipeline(source, checkpoint(place))).records_read == 0, (
        "it waits in the same version"
    )
    sink = checkpoint(place)
    made = pipeline(Orders(KEYS), sink)
    sink.open(made.schema)
    entries = metadata(sink).quarantine.entries()
    assert [found.version for found in read_records(made, entries)] == ["1"]
    assert execute(pipeline(source, checkpoint(place)), replay=["ORD#1"]).accepted == 1
    assert source.read_keys == ["ORD#1"]
    assert execute(pipeline(Orders(KEYS), checkpoint(place))).records_read == 0


class Versions(Orders):
    """A source that delivers versions of one record, of which those of `bad` are rejected."""

    versions_ordered = True

    def plan(self, ledger):
        return [Split("all", {"keys": self.keys})]

    def read(self, split):
        versions = split.data["keys"]
        payloads = [
            b"{}" if version in self.bad else event(int(version))
            for version in versions
        ]
        yield Batch(["ORD"] * len(versions), versions, payloads=payloads)


def upsert(source, sink):
    execute(pipeline(source, sink)._replace(write_modes=["upsert"]))


@pytest.mark.parametrize(
    "runs", [[["3", "1"]], [["3"], ["1"]], [["3"], ["1"], ["2"]], [["3", "2"], ["1"]]]
)
def test_a_rejected_version_stays_until_it_or_a_newer_one_is_accepted(tmp_path, runs):
    place = tmp_path / "x.parquet"
    sink = checkpoint(place)
    for versions in runs:
        upsert(Versions(versions, bad=["3", "2"]), sink)
    assert metadata(sink).quarantine.entries()["version"].to_list() == ["3"]
    upsert(Versions(["4"]), sink)
    assert metadata(sink).quarantine.entries().is_empty()
