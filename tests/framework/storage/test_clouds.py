"""Google Cloud Storage and Azure: differences from S3, and messages of errors."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import obstore
import pytest

from reporting_framework.errors import (
    AccessDenied,
    CommitConflict,
    LocationError,
    ObjectMissing,
    StorageUnavailable,
)
from reporting_framework.storage import Store, open_store, sending
from reporting_framework.storage.cloud_bucket import CloudBucketStore
from tests.framework.storage.conftest import CLOUDS, make_store
from tests.support.azurite import azurite_program


@pytest.fixture(params=CLOUDS)
def cloud(request: pytest.FixtureRequest) -> CloudBucketStore:
    """An empty store of each cloud, in turn."""
    store = make_store(request.param, request)
    assert isinstance(store, CloudBucketStore)
    return store


def raw(store: CloudBucketStore, key: str, data: bytes = b"") -> None:
    """Put an object as another program does."""
    obstore.put(store._backend, f"a/b/{key}", data, use_multipart=False)


def listed(store: Store, **how: Any) -> list[str]:
    """The keys that are listed."""
    return [entry.key for page in store.list(**how) for entry in page]


def test_versions_of_a_listing_are_those_of_other_answers(cloud):
    version = cloud.put("k", b"1", if_version=None)
    [entry] = [entry for page in cloud.list() for entry in page]
    assert entry.version == version == cloud.head("k").version == cloud.get("k").version


def test_of_many_writers_one_wins_each_round(cloud):
    version = cloud.put("k", b"0", if_version=None)
    for number in range(3):

        def write(writer: int, expected: str = version, number: int = number) -> str:
            try:
                data = f"{number}-{writer}".encode()
                return cloud.put("k", data, if_version=expected)
            except CommitConflict:
                return ""

        with ThreadPoolExecutor(8) as pool:
            won = [each for each in pool.map(write, range(8)) if each]
        assert len(won) == 1
        version = won[0]
        assert cloud.head("k").version == version


def test_a_write_to_an_object_that_has_gone_is_a_conflict(cloud):
    version = cloud.put("k", b"1", if_version=None)
    cloud.delete("k", if_version=version)
    with pytest.raises(CommitConflict, match=r"k: another run has written it"):
        cloud.put("k", b"2", if_version=version)


def test_a_delete_of_another_version_is_a_conflict(cloud):
    version = cloud.put("k", b"1", if_version=None)
    cloud.put("k", b"2", if_version=version)
    with pytest.raises(CommitConflict):
        cloud.delete("k", if_version=version)
    assert cloud.get("k").data == b"2"


@pytest.mark.parametrize("key", ["a//b", "a/./b", "../x", "a\x01b", ""])
def test_a_key_that_cannot_be_named_is_refused(cloud, key):
    for ask in (cloud.get, cloud.head):
        with pytest.raises(LocationError, match="cannot name; use another key"):
            ask(key)


def test_a_large_object_is_read_in_ranges_of_one_version(cloud):
    data = bytes(range(256)) * 5000
    version = cloud.put("k", data, if_version=None)
    pinned = cloud.pin("k")
    assert pinned.read(1000, 50) == data[1000:1050]
    assert pinned.read(len(data) - 3, 50) == data[-3:]
    cloud.put("k", b"other", if_version=version)
    with pytest.raises(StorageUnavailable, match="replaced"):
        pinned.read(0, 5)


def test_a_bucket_that_does_not_exist(google, container):
    for uri in ("gs://nothing/a", "az://nothing-there/a"):
        store = open_store(uri)
        with pytest.raises(LocationError, match="no such bucket; check its name"):
            listed(store)
        with pytest.raises(LocationError, match="no such bucket"):
            store.put("k", b"", if_version=None)
        with pytest.raises(LocationError, match="no such bucket"):
            store.get("k")


def test_markers_of_folders_keep_their_slash(google):
    store = open_store("gs://bucket/a/b")
    names = ["", "d", "d-e", "d/", "d/f", "g/", "h", "i/", "i/j"]
    blobs = google.buckets["bucket"]
    for name in [*names, "d", "h"]:
        raw(store, "seed")
        blobs[f"a/b/{name}"] = blobs["a/b/seed"]
    del blobs["a/b/seed"]
    assert listed(store) == sorted(names)
    assert listed(store, after="d-e") == ["d/", "d/f", "g/", "h", "i/", "i/j"]
    assert listed(store, after="d/", before="i/") == ["d/f", "g/", "h"]


def test_a_listing_after_an_empty_object_does_not_repeat_it(cloud):
    for key in ("a", "a-b", "a/x", "b"):
        cloud.put(key, b"", if_version=None)
    assert listed(cloud, after="a") == ["a-b", "a/x", "b"]
    assert listed(cloud, after="a-b") == ["a/x", "b"]
    assert listed(cloud, after="b") == []


def test_a_listing_without_order_is_refused(google, monkeypatch):
    store = open_store("gs://bucket/a/b")
    for key in ("a", "b", "c"):
        raw(store, key, b"x")
    monkeypatch.setattr("builtins.sorted", lambda items, key=None: list(items)[::-1])
    with pytest.raises(StorageUnavailable, match="in the order of their bytes"):
        listed(store)


def test_an_object_whose_key_cannot_be_named_stops_a_listing(google):
    store = open_store("gs://bucket/a/b")
    raw(store, "k", b"x")
    google.buckets["bucket"]["a/b/x//y"] = google.buckets["bucket"]["a/b/k"]
    with pytest.raises(LocationError, match="cannot name; rename the object"):
        listed(store)


# -- faults ----------------------------------------------------------------------------


@pytest.fixture
def few_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections that do not retry; those of other tests are not used."""
    monkeypatch.setattr(sending, "MAX_RETRIES", 0)
    monkeypatch.setattr("reporting_framework.storage.google._open", {})


@pytest.mark.parametrize(
    ("status", "code", "error", "message"),
    [
        (403, "AccessDenied", AccessDenied, "access denied"),
        (401, "AuthenticationRequired", AccessDenied, "access denied"),
        (404, "NoSuchBucket", LocationError, "gs://bucket: no such bucket"),
        (429, "SlowDown", StorageUnavailable, "too busy"),
        (503, "ServiceUnavailable", StorageUnavailable, "too busy"),
        (500, "InternalError", StorageUnavailable, "run again later"),
    ],
)
def test_an_error_of_google_is_told(
    google, few_retries, monkeypatch, status, code, error, message
):
    store = open_store("gs://bucket/a/b")
    google.fault = lambda method, target: (status, code)
    for ask in (lambda: store.get("k"), lambda: listed(store)):
        with pytest.raises(error, match=message) as raised:
            ask()
        assert not isinstance(raised.value, ObjectMissing)
    with pytest.raises(error, match=message):
        store.put("k", b"1", if_version=None)


def test_a_busy_server_is_asked_again(google):
    store = open_store("gs://bucket/a/b")
    store.put("k", b"1", if_version=None)
    left = [503, 429, 500]
    google.fault = lambda method, target: (left.pop(), "Busy") if left else None
    assert store.get("k").data == b"1"
    assert not left


def test_a_write_whose_answer_was_lost_is_recognised(google):
    store = open_store("gs://bucket/a/b")
    lose = [True, False, True]
    google.lost = lambda method, target: bool(lose) and lose.pop()
    version = store.put("k", b"1", if_version=None)
    assert store.get("k") == (b"1", version)
    assert not lose or google.buckets["bucket"]["a/b/k"].data == b"1"
    lose[:] = [True]
    second = store.put("k", b"2", if_version=version)
    assert store.get("k") == (b"2", second)


def test_a_wrong_key_of_azure_is_told(container, monkeypatch):
    if azurite_program() is None:
        pytest.skip("azurite-blob is not installed: npm install azurite, set AZURITE")
    text = os.environ["AZURE_STORAGE_CONNECTION_STRING"]
    parts = [part for part in text.split(";") if not part.startswith("AccountKey")]
    monkeypatch.setenv(
        "AZURE_STORAGE_CONNECTION_STRING", ";".join([*parts, "AccountKey=AAAA"])
    )
    store = open_store(f"az://{container}/a")
    for ask in (lambda: store.get("k"), lambda: listed(store), lambda: store.head("k")):
        with pytest.raises(AccessDenied, match="access denied") as raised:
            ask()
        assert "AAAA" not in str(raised.value)


def test_azure_needs_an_account(monkeypatch):
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", " ")
    monkeypatch.delenv("AZURE_STORAGE_CONNECTION_STRING", raising=False)
    with pytest.raises(AccessDenied, match="the storage account is not known; set AZ"):
        open_store("az://container/a")


def test_a_credentials_file_of_google_that_is_none(monkeypatch, tmp_path):
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "no.json"))
    with pytest.raises(AccessDenied, match=r"check GOOGLE_APPLICATION_CREDENTIALS"):
        open_store("gs://bucket/a")


@pytest.mark.parametrize("scheme", CLOUDS)
def test_credentials_in_a_uri_are_refused_and_not_shown(scheme):
    with pytest.raises(
        LocationError, match="credentials do not belong in a URI"
    ) as raised:
        open_store(f"{scheme}://user:hunter2@bucket/key")
    assert "hunter2" not in str(raised.value)
