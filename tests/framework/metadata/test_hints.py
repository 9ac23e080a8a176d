"""The hints of a source: found as they were saved, or not at all."""

import itertools
import json

import pytest

from reporting_framework.errors import AccessDenied
from reporting_framework.metadata.hints import HintsFile
from reporting_framework.storage import open_store, parse_location, sending
from tests.support import Fault

_numbers = itertools.count(1)


def place():
    return parse_location(f"memory://hints-{next(_numbers)}/_quarantine/x.json")


def hints_at(place, *versions):
    return HintsFile(open_store(place.parent), place.name, lambda: versions)


def test_hints_are_found_by_the_next_run():
    here = place()
    assert hints_at(here).hints == {}
    hints_at(here).save({"b": 1, "a": ["é"]})
    assert hints_at(here).hints == {"b": 1, "a": ["é"]}
    hints_at(here).save({"b": 2})
    assert hints_at(here).hints == {"b": 2}


def test_the_same_hints_are_not_written_again():
    here = place()
    hints_at(here).save({"a": 1})
    before = open_store(here.parent).get("x.json")
    file = hints_at(here)
    file.save({"a": 1})
    assert open_store(here.parent).get("x.json") == before


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"7", b"\xff", b"[" * 200_000, b'{"a": 1']
)
def test_a_damaged_file_counts_as_none_and_is_replaced(content):
    here = place()
    open_store(here.parent).put("x.json", content, if_version=None)
    assert hints_at(here).hints == {}
    hints_at(here).save({"a": 1})
    assert hints_at(here).hints == {"a": 1}


def test_a_flipped_bit_makes_them_none():
    here = place()
    store, whole = open_store(here.parent), {"unread": ["a.json"], "rows": 7}
    hints_at(here).save(whole)
    found = store.get("x.json")
    version = found.version
    for at in range(len(found.data) * 8):
        data = bytearray(found.data)
        data[at // 8] ^= 1 << at % 8
        version = store.put("x.json", bytes(data), if_version=version)
        assert hints_at(here).hints in ({}, whole)


def test_two_runs_that_save_hints_at_once_leave_none():
    """Neither run can know of the ranges and unread objects that only the other saw."""
    here = place()
    hints_at(here).save({"by": "an earlier run"})
    one, other = hints_at(here), hints_at(here)
    for each in (one, other):
        assert each.hints == {"by": "an earlier run"}
    one.save({"by": "one"})
    other.save({"by": "other"})
    assert hints_at(here).hints == {}


def test_a_third_run_that_is_even_faster_is_left_to_it():
    here = place()
    slow = hints_at(here)
    assert slow.hints == {}
    put = slow._store.put

    def overtaken(key, data, *, if_version):
        store = open_store(here.parent)
        found = store.head(key)
        store.put(
            key,
            json.dumps({"by": next(_numbers)}).encode(),
            if_version=found.version if found else None,
        )
        return put(key, data, if_version=if_version)

    slow._store.put = overtaken
    slow.save({"by": "slow"})
    kept = json.loads(open_store(here.parent).get("x.json").data)
    assert isinstance(kept["by"], int)


@pytest.mark.parametrize("version", ["2", None])
def test_hints_of_other_versions_are_ignored(version):
    """The outputs, or the quarantine, have changed since."""
    here = place()
    hints_at(here, "1", ("x.parquet", "1")).save({"a": 1})
    assert hints_at(here, "1", ("x.parquet", "1")).hints == {"a": 1}
    assert hints_at(here, version, ("x.parquet", "1")).hints == {}
    assert hints_at(here, "1", ("x.parquet", version)).hints == {}
    assert hints_at(here, "1").hints == {}


def test_denied_hints_are_not_taken_for_none(
    s3_environment, proxy, bucket, monkeypatch
):
    monkeypatch.setattr(sending, "MAX_RETRIES", 1)
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
    file = hints_at(parse_location(f"s3://{bucket}/_quarantine/x.json"))
    proxy.inject(Fault.answer(403, "AccessDenied"), times=None)
    with pytest.raises(AccessDenied, match="access denied"):
        file.hints  # noqa: B018 - it reads the file
