"""Reads that begin early: the first caller of the same read gets the response, once."""

import pytest

from reporting_framework.errors import AccessDenied, ObjectMissing
from reporting_framework.storage import TooLargeError, open_store, parse_location
from reporting_framework.storage.early_reads import EarlyReads
from reporting_framework.testing.s3 import lead_to
from tests.support import Fault, S3Proxy, S3Server


@pytest.fixture
def folder(s3: S3Server, proxy: S3Proxy, bucket: str, monkeypatch) -> str:
    """A folder of a bucket behind the proxy."""
    lead_to(s3.behind(proxy.endpoint), monkeypatch)
    uri = f"s3://{bucket}/folder"
    open_store(uri).put("known", b"first", if_version=None)
    proxy.reset()
    return uri


def seen(proxy: S3Proxy, key: str) -> list[str]:
    return [each.kind for each in proxy.requests if each.key == f"folder/{key}"]


def test_the_first_get_and_head_take_what_was_begun(folder, proxy):
    reads = EarlyReads(open_store)
    place = parse_location(folder).join("known")
    reads.get(place)
    reads.head(place)
    with reads.serve():
        store = open_store(folder)
    assert store.get("known").data == b"first"
    assert store.head("known").size == 5
    assert sorted(seen(proxy, "known")) == ["GET", "HEAD"]
    open_store(folder).replace(
        "known", b"second", content_type="text/plain", metadata={}
    )
    assert store.get("known").data == b"second"  # a response is used once
    assert store.head("known").size == 6


def test_a_store_that_was_opened_elsewhere_reads_by_itself(folder):
    reads = EarlyReads(open_store)
    reads.get(parse_location(folder).join("known")).result()
    open_store(folder).replace(
        "known", b"second", content_type="text/plain", metadata={}
    )
    assert open_store(folder).get("known").data == b"second"


def test_another_limit_is_another_read(folder, proxy):
    reads = EarlyReads(open_store)
    place = parse_location(folder).join("known")
    reads.get(place, 3)
    with reads.serve():
        store = open_store(folder)
    assert store.get("known", limit=100).data == b"first"
    with pytest.raises(TooLargeError) as raised:
        store.get("known", limit=3)
    assert raised.value.size == 5
    assert seen(proxy, "known") == ["GET", "GET"]


def test_a_missing_object_is_an_answer(folder, proxy):
    reads = EarlyReads(open_store)
    reads.get(parse_location(folder).join("unknown"))
    with reads.serve():
        store = open_store(folder)
    with pytest.raises(ObjectMissing):
        store.get("unknown")
    assert seen(proxy, "unknown") == ["GET"]


def test_an_error_is_raised_where_the_object_is_read(folder, proxy):
    proxy.inject(Fault.answer(403, "AccessDenied"), kind="GET", key="folder/known")
    reads = EarlyReads(open_store)
    assert reads.get(parse_location(folder).join("known")).exception() is not None
    with reads.serve():
        store = open_store(folder)
    with pytest.raises(AccessDenied, match="folder/known"):
        store.get("known")
    assert seen(proxy, "known") == ["GET"]
    assert store.get("known").data == b"first"
