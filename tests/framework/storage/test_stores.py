"""What every store does, whatever lies behind it: a folder, memory, S3."""

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from reporting_framework.errors import CommitConflict, ObjectMissing
from reporting_framework.storage import TooLargeError

ODD = [
    "with space",
    "per%20cent",
    "100%",
    "ünï-日本",
    "a#1",
    "q?x=1&y",
    "a+b",
    "[x]{y}*",
    "~`^|'\"<>;,@!$()=:",
    "sub/in",
]


def entries(store, **how):
    """What is listed, less the locks of a folder."""
    return [
        entry
        for page in store.list(**how)
        for entry in page
        if not entry.key.endswith(".lock")
    ]


def keys(store, **how):
    return [entry.key for entry in entries(store, **how)]


def test_what_was_put_is_got_listed_and_headed(store):
    assert store.head("k") is None
    version = store.put("k", b"content", if_version=None)
    assert store.get("k") == (b"content", version)
    assert store.head("k") == ("k", 7, version)
    [entry] = entries(store)
    assert entry.key == "k"
    assert entry.version in (version, None), "None where listing does not tell"


def test_a_listing_is_sorted_and_begins_behind_a_key(store):
    for key in ("b", "a", "c/x", "c/w", "B"):
        store.put(key, b"", if_version=None)
    assert keys(store) == ["B", "a", "b", "c/w", "c/x"]
    assert keys(store, after="a") == ["b", "c/w", "c/x"]
    assert keys(store, after="c/v") == ["c/w", "c/x"]
    assert keys(store, after="d") == []


def test_a_listing_ends_before_a_key(store):
    for key in ("b", "a", "c/x", "c/w", "B"):
        store.put(key, b"", if_version=None)
    assert keys(store, before="c/x") == ["B", "a", "b", "c/w"]
    assert keys(store, after="B", before="c") == ["a", "b"]
    assert keys(store, before="B") == keys(store, after="b", before="a") == []
    assert keys(store, before="d") == keys(store)


def test_a_listing_comes_in_pages(store):
    names = [f"{number:04d}" for number in range(1050)]
    if store.location.scheme == "file":
        for name in names:
            Path(store.location.uri, name).touch()
    else:
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda name: store.put(name, b"", if_version=None), names))
    pages = list(store.list())
    assert max(map(len, pages)) <= 1000
    assert [entry.key for page in pages for entry in page] == names


@pytest.mark.parametrize("key", ODD)
def test_a_key_may_hold_any_character(store, key):
    frame = pl.DataFrame({"a": [1, 2]})
    store.put(key, frame.serialize(), if_version=None)
    [entry] = entries(store)
    assert entry.key == key
    assert store.get(key).data == frame.serialize()
    assert store.head(key).size == len(frame.serialize())


@pytest.mark.parametrize("key", ["plain", *ODD])
def test_polars_scans_any_key(store, tmp_path, key):
    path = tmp_path / "x.parquet"
    pl.DataFrame({"a": [1, 2]}).write_parquet(path)
    store.put(key, path.read_bytes(), if_version=None)
    target = store.scan(key)
    scan = pl.scan_parquet(
        target.source, glob=False, hive_partitioning=False, **target.options
    )
    assert scan.select(pl.col("a").sum()).collect().item() == 3


def test_a_missing_object_is_an_error_of_its_own(store):
    with pytest.raises(ObjectMissing, match=r"nothing: no such (file|object)"):
        store.get("nothing")
    assert store.head("nothing/below") is None


def test_an_object_over_the_limit_is_not_read(store):
    version = store.put("k", b"12345", if_version=None)
    assert store.get("k", limit=5).data == b"12345"
    with pytest.raises(TooLargeError) as raised:
        store.get("k", limit=4)
    assert (raised.value.version, raised.value.size, str(raised.value)) == (
        version,
        5,
        "larger than the limit",
    )


def test_an_empty_object_is_an_object(store):
    version = store.put("empty", b"", if_version=None)
    assert store.get("empty") == (b"", version)
    assert store.head("empty") == ("empty", 0, version)


def test_a_put_is_refused_where_another_version_is(store):
    first = store.put("k", b"one", if_version=None)
    with pytest.raises(CommitConflict, match="k: another run has written it meanwhile"):
        store.put("k", b"two", if_version=None)
    second = store.put("k", b"two", if_version=first)
    assert second != first
    for stale in (first, '"none"'):
        with pytest.raises(
            CommitConflict, match="k: another run has written it meanwhile"
        ):
            store.put("k", b"three", if_version=stale)
    with pytest.raises(CommitConflict):
        store.put("nothing", b"x", if_version=first)
    assert store.get("k") == (b"two", second)
    assert keys(store) == ["k"]


def test_a_file_is_put_from_scratch_and_then_gone(store):
    with store.lock("deep/er/k"), store.temp_path("deep/er/k") as scratch:
        scratch.write_bytes(b"content")
        version = store.put("deep/er/k", scratch, if_version=None)
    assert store.get("deep/er/k") == (b"content", version)
    assert not scratch.exists()


def test_of_many_that_put_at_once_exactly_one_wins(store):
    gate = threading.Barrier(8)

    def write(number):
        gate.wait()
        try:
            store.put("k", str(number).encode(), if_version=None)
        except CommitConflict:
            return None
        return str(number).encode()

    with ThreadPoolExecutor(8) as pool:
        winners = [found for found in pool.map(write, range(8)) if found]
    assert winners == [store.get("k").data]


def test_counting_up_from_many_threads_loses_nothing(store):
    """Compare and swap: 4 threads add 1 to an object 5 times each, and whoever loses the race reads again."""
    version = store.put("n", b"0", if_version=None)

    def add(_):
        while True:
            found = store.get("n")
            try:
                store.put(
                    "n", str(int(found.data) + 1).encode(), if_version=found.version
                )
                return
            except CommitConflict:
                continue

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, range(20)))
    assert store.get("n").data == b"20"
    assert store.get("n").version != version


def test_replacing_asks_for_no_version(store):
    how = {"content_type": "text/plain", "metadata": {"count": "1"}}
    first = store.replace("sub/k", b"one", **how)
    assert store.get("sub/k") == (b"one", first)
    second = store.replace("sub/k", b"three", **how)
    assert store.get("sub/k") == (b"three", second)
    assert store.put("sub/k", b"four", if_version=second)
    assert [key for key in keys(store) if key.endswith(".tmp")] == []


def test_what_is_deleted_is_gone_and_what_is_not_there_may_be_deleted(store):
    for key in ("a/k", "a/other", "odd #?"):
        store.put(key, b"content", if_version=None)
    for key in ("a/k", "odd #?"):
        store.delete(key, if_version=None)
        assert store.head(key) is None
        store.delete(key, if_version=None)
    store.delete("nowhere/at/all", if_version=None)
    assert keys(store) == ["a/other"]


# -- by hand --------------------------------------------------------------------------------------------------------------


def test_when_it_was_written_is_told(store):
    assert store.modified("k") is None
    store.put("k", b"content", if_version=None)
    written = store.modified("k")
    assert abs((datetime.now(UTC) - written).total_seconds()) < 60


def test_a_copy_has_the_same_digest(store):
    version = store.put("k", b"content" * 1000, if_version=None)
    store.copy("k", "_backup/2024/k")
    digests = [store.digest(key) for key in ("k", "_backup/2024/k")]
    assert [each.sha256 for each in digests] == [
        hashlib.sha256(b"content" * 1000).hexdigest()
    ] * 2
    assert digests[0].version == version
    assert sorted(keys(store)) == ["_backup/2024/k", "k"]
    with pytest.raises(ObjectMissing):
        store.digest("other")


def test_only_the_version_that_was_seen_is_removed(store):
    first = store.put("k", b"1", if_version=None)
    second = store.put("k", b"2", if_version=first)
    for expected in (first, '"none"'):
        with pytest.raises(
            CommitConflict, match="k: another run has written it meanwhile"
        ):
            store.delete("k", if_version=expected)
    assert store.get("k").data == b"2"
    store.delete("k", if_version=second)
    assert store.head("k") is None
    with pytest.raises(CommitConflict):
        store.delete("k", if_version=second)


def test_a_bucket_has_a_clock(store):
    found = store.clock()
    assert (found is None) == (store.location.scheme != "s3")
    assert found is None or abs((datetime.now(UTC) - found).total_seconds()) < 60
