"""What a report relies on in its quarantine."""

import itertools
from datetime import UTC, datetime

import polars as pl
import pytest

from reporting_framework.metadata.store import MetadataStore
from reporting_framework.plugin_api.metadata import MetadataLocation
from reporting_framework.plugin_api.records import Rejection

AT = datetime(2024, 1, 1, tzinfo=UTC)
HINTS = {
    "listed": "2024-01-01",
    "unread": ["a.json"],
    "rows": 3,
    "deep": {"nothing": None},
}
OBJECTS = ["a.json", "b.json", "c.json"]
REJECTED = [
    Rejection("a.json", "v1", "missing", "ptid"),
    Rejection("b.json#2", "v2", "json_invalid"),
    Rejection("b.json#3", "v2", "filtered"),
]


_numbers = itertools.count(1)


@pytest.fixture(params=["folder", "memory", "s3"])
def store(request, tmp_path):
    """Makes a metadata store, each time afresh, at one place."""
    folder = f"memory://promises-{next(_numbers)}/a"
    if request.param == "folder":
        folder = str(tmp_path / "a")
    if request.param == "s3":
        request.getfixturevalue("s3_environment")
        folder = f"s3://{request.getfixturevalue('bucket')}/a"
    return lambda: MetadataStore(MetadataLocation(folder, "x"), list)


@pytest.fixture
def quarantine(store):
    """Makes the quarantine."""
    return lambda: store().quarantine


def test_a_quarantine_keeps_what_it_is_given(quarantine):
    """Each object at the version that it was read at; others are not there."""
    assert quarantine().versions(OBJECTS) == {}, "an empty quarantine has no object"
    state = quarantine().replace_entries([], REJECTED, run_id="r", at=AT)
    assert state.rows == len(REJECTED), (
        f"a quarantine tells its rows: {state.rows} of {len(REJECTED)}"
    )
    versions = dict(quarantine().versions(OBJECTS))
    assert versions == {
        "a.json": "v1",
        "b.json": "v2",
    }, f"a quarantine keeps what it is given: {versions}"


def test_a_quarantine_shows_what_it_was_given(quarantine):
    """Check that a quarantine shows what it was given.

    It shows source key, version, reason, run and time of each record, in the order
    of source keys. It does not show what was only begun.
    """
    assert quarantine().entries().height == 0, "an empty quarantine has no entries"
    quarantine().mark_in_progress(["c.json"])
    quarantine().replace_entries([], REJECTED[::-1], run_id="r", at=AT)
    rows = quarantine().entries().rows()
    wanted = [(*rejection, "r", AT) for rejection in REJECTED]
    assert rows == wanted, f"a quarantine shows what it was given: {rows}"


def test_a_quarantine_replaces_what_was_read_again(quarantine):
    """Objects that were read again are set down anew, or are gone; others stay."""
    quarantine().replace_entries([], REJECTED, run_id="r", at=AT)
    again = [Rejection("b.json#2", "v3", "json_invalid")]
    state = quarantine().replace_entries(["b.json"], again, run_id="s", at=AT)
    versions = dict(quarantine().versions(OBJECTS))
    assert versions == {
        "a.json": "v1",
        "b.json": "v3",
    }, f"a quarantine replaces what was read again: {versions}"
    assert state.rows == 2, (
        f"a quarantine replaces what was read again: {state.rows} rows where 2 are"
    )
    quarantine().replace_entries(["a.json"], [], run_id="t", at=AT)
    versions = dict(quarantine().versions(OBJECTS))
    assert versions == {"b.json": "v3"}, (
        f"what is accepted at last leaves the quarantine: {versions}"
    )


def test_what_was_dropped_stays_accounted_for(quarantine):
    """Check that what was discarded stays accounted for.

    It is neither shown nor counted, nor to be read again until its object changes.
    Other entries stay.
    """
    quarantine().replace_entries([], REJECTED, run_id="r", at=AT)
    chosen = (
        quarantine()
        .entries()
        .filter(pl.col("source_key").is_in(["a.json", "b.json#2"]))
    )
    discarded = quarantine().discard(chosen)
    assert discarded == 2, f"a discard tells how many there were: {discarded} of 2"
    left = quarantine().entries()["source_key"].to_list()
    assert left == ["b.json#3"], (
        f"what was discarded is not shown, and nothing else is gone: {left}"
    )
    versions = dict(quarantine().versions(OBJECTS))
    assert versions == {
        "a.json": "v1",
        "b.json": "v2",
    }, f"what was discarded stays accounted for: {versions}"
    kept_reasons = (
        quarantine().discarded().select("source_key", "version", "error_type").rows()
    )
    wanted = [("a.json", "v1", "missing"), ("b.json#2", "v2", "json_invalid")]
    assert kept_reasons == wanted, (
        "what was discarded is told when it is asked for, with its reason:"
        f" {kept_reasons}"
    )
    state = quarantine().replace_entries(["b.json"], REJECTED[1:], run_id="s", at=AT)
    left = quarantine().entries()["source_key"].to_list()
    assert left == ["b.json#3"], (
        f"what was discarded stays so when it is rejected again: {left}"
    )
    assert state.rows == 1, (
        f"what was discarded is not counted: {state.rows} rows where 1 is"
    )
    quarantine().replace_entries(
        ["a.json"], [REJECTED[0]._replace(version="v9")], run_id="t", at=AT
    )
    left = quarantine().entries()["source_key"].to_list()
    assert left == [
        "a.json",
        "b.json#3",
    ], f"what was discarded comes back when its object changed: {left}"


def test_a_drop_leaves_alone_what_changed_since(quarantine):
    """An entry is discarded as it was shown, or not at all."""
    quarantine().replace_entries([], REJECTED, run_id="r", at=AT)
    shown = quarantine().entries()
    quarantine().replace_entries(
        ["a.json"], [REJECTED[0]._replace(field="other")], run_id="s", at=AT
    )
    quarantine().discard(shown)
    left = quarantine().entries()["source_key"].to_list()
    assert left == ["a.json"], (
        f"an entry that changed since it was shown is not discarded: {left}"
    )


def test_what_was_begun_counts_as_not_accounted_for(quarantine):
    """Check that what was begun counts as not accounted for.

    It does so until it is settled: a run that died between two commits is made good
    by the next one.
    """
    quarantine().mark_in_progress(["a.json"])
    versions = dict(quarantine().versions(OBJECTS))
    assert versions == {"a.json": None}, (
        f"what was begun and not settled is to be read again: {versions}"
    )
    quarantine().replace_entries(["a.json"], [], run_id="r", at=AT)
    assert quarantine().versions(OBJECTS) == {}, "what was begun and settled is done"


def test_hints_are_found_again(store):
    """As they were left; nothing before the first ones."""
    assert dict(store().hints) == {}, "there are no hints before the first ones"
    store().save_hints(HINTS)
    assert dict(store().hints) == HINTS, "hints are found again as they were left"
