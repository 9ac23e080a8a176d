"""Requests of a bucket are counted once each, however often obstore sends them."""

import pytest

from reporting_framework.plugin_api.traffic import TrafficCounts, counting
from reporting_framework.storage import open_store
from tests.support import Fault


@pytest.fixture
def store(proxy, s3_environment, bucket, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
    return open_store(f"s3://{bucket}/a")


@pytest.fixture
def counts():
    counts = TrafficCounts()
    with counting(counts):
        yield counts


CALLS = {
    "GET": ("get", lambda store: store.get("k")),
    "HEAD": ("head", lambda store: store.head("k")),
    "LIST": ("list", lambda store: list(store.list())),
    "PUT": (
        "put",
        lambda store: store.replace("l", b"", content_type="", metadata={}),
    ),
    "POST": ("delete", lambda store: store.delete("k", if_version=None)),
}


@pytest.mark.parametrize("kind", CALLS)
def test_a_request_counts_once(store, proxy, counts, kind):
    name, call = CALLS[kind]
    store.put("k", b"1", if_version=None)
    counts.take()
    proxy.reset()
    call(store)
    assert counts.current()[name] == proxy.count(kind) == 1


def test_attempts_of_obstore_are_not_counted(store, proxy, counts):
    store.put("k", b"1", if_version=None)
    counts.take()
    proxy.reset()
    proxy.inject(Fault.answer(503, "SlowDown"), kind="GET", times=2)
    store.get("k")
    assert (counts.current()["get"], proxy.count("GET")) == (1, 3)


def test_bytes_of_bodies_are_counted(store, counts):
    store.put("k", b"12345", if_version=None)
    store.get("k")
    assert (counts.current()["bytes_written"], counts.current()["bytes_read"]) == (5, 5)
