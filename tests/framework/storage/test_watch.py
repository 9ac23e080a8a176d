"""Requests to a bucket are counted while somebody watches, and only then."""

import pytest

from reporting_framework.errors import ObjectMissing
from reporting_framework.storage import open_store
from reporting_framework.storage.watch import unwatch, watch


@pytest.fixture(autouse=True)
def nobody_watches_afterwards():
    yield
    unwatch()


def test_each_request_of_a_store_is_counted_by_its_operation_while_watched(
    s3_environment, bucket
):
    store = open_store(f"s3://{bucket}/a")
    store.put("k", b"1", if_version=None)
    seen = watch()
    store.put("l", b"2", if_version=None)
    assert [entry.key for page in store.list() for entry in page] == ["k", "l"]
    store.get("k")
    with pytest.raises(ObjectMissing):
        store.get("m")
    store.head("k")
    unwatch()
    store.get("k")
    counts = {
        name: (found.count, found.failed) for name, found in seen.requests.items()
    }
    assert counts == {
        "PutObject": (1, 0),
        "ListObjectsV2": (1, 0),
        "GetObject": (2, 1),
        "HeadObject": (1, 0),
    }
    for found in seen.requests.values():
        assert found.seconds > 0
        assert found.began < found.ended
