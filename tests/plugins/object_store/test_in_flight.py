"""Bytes in flight: one budget for all splits, on every path, whatever is known of sizes before; and nothing waits for good."""

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reporting_framework import Trigger
from reporting_framework.errors import StorageUnavailable
from reporting_framework.execution.progress import CombinedLedger, EmptyLedger
from reporting_framework.storage import InFlight
from reporting_framework.testing.harness.memory import MEBIBYTE, peak
from reporting_object_store.json_source import object_reader
from reporting_object_store.json_source import source as module
from tests.support.plugins import source


@contextmanager
def budget(threads, most):
    """A budget for which nothing waits at the end: what is wrong fails, and does not hang."""
    with ThreadPoolExecutor(threads) as requests:
        in_flight = InFlight(requests, most)
        try:
            yield in_flight
        finally:
            in_flight.close()


sizes = st.lists(st.lists(st.integers(0, 30), max_size=30), min_size=1, max_size=4)


@settings(max_examples=100, deadline=None)
@given(sizes, st.integers(1, 40), st.integers(1, 8), st.randoms(use_true_random=False))
def test_bytes_in_flight_stay_within_the_budget_and_one_object_and_every_object_arrives(
    splits, most, threads, random
):
    """Any sizes, also over the budget, any number of splits at once, answers in any order, some without a body."""
    lock, used, worst = threading.Lock(), 0, 0
    delays = [random.choice([0, 0, 0.0005]) for _ in range(30)]

    def fetch(key, admit):
        nonlocal used, worst
        split, at = map(int, key.split("/"))
        time.sleep(delays[at])
        size = splits[split][at]
        if size == 0:
            return key, 0  # there is no such object
        admit(size)
        with lock:
            used += size
            worst = max(worst, used)
        admit(size)  # the answer broke off
        return key, size

    def take(split):
        nonlocal used
        taken = []
        for key, size in in_flight.map(
            fetch, [f"{split}/{at}" for at in range(len(splits[split]))]
        ):
            taken.append(key)
            with lock:
                used -= size
        return taken

    with (
        ThreadPoolExecutor(len(splits)) as consumers,
        budget(threads, most) as in_flight,
    ):
        found = list(consumers.map(take, range(len(splits)), timeout=20))
    assert found == [
        [f"{split}/{at}" for at in range(len(each))]
        for split, each in enumerate(splits)
    ]
    assert worst <= most + max(max(each, default=0) for each in splits)


def test_nothing_waits_for_a_split_that_is_given_up():
    """Its bytes, and that it went over the budget, are forgotten: others have all of it."""
    both = threading.Barrier(2)

    def at_once(key, admit):
        admit(5)
        both.wait(20)
        return key

    def over(key, admit):
        admit(11)
        return key

    with ThreadPoolExecutor(1) as consumer, budget(3, 10) as in_flight:
        first = in_flight.map(over, "abc")
        assert next(first) == "a"
        first.close()
        for fetch in (at_once, over):
            found = consumer.submit(list, in_flight.map(fetch, "de"))
            assert found.result(20) == ["d", "e"]


def test_what_waits_when_the_source_is_closed_fails():
    with budget(4, 10) as in_flight:
        found = in_flight.map(lambda key, admit: admit(10) or key, "abc")
        assert next(found) == "a"
        in_flight.close()
        with pytest.raises(StorageUnavailable, match="source: it was closed"):
            list(found)


@pytest.fixture(scope="module")
def large(s3):
    """Twenty objects of 6 MiB each in a bucket, which tests only read."""
    line = b'{"study": "alpha", "note": "%s"}\n' % (b"x" * 20_000)
    data = line * (6 * MEBIBYTE // len(line))
    bucket, client, keys = (
        "large-objects",
        s3.client(),
        [f"log-{number:02}.json" for number in range(20)],
    )
    client.create_bucket(Bucket=bucket)
    for key in keys:
        client.put_object(Bucket=bucket, Key=f"in/{key}", Body=data)
    return bucket, keys


PATHS = ["listing", "notification", "replay"]


@pytest.mark.parametrize("path", PATHS)
def test_memory_is_that_of_the_budget_on_every_path(
    large, s3_environment, path, monkeypatch
):
    """A split of 120 MiB took all of it where sizes were not known before."""
    monkeypatch.setattr(object_reader, "IN_FLIGHT_BYTES", 20 * MEBIBYTE)
    monkeypatch.setattr(module, "SPLIT_BYTES", 1024 * MEBIBYTE)
    assert read(*large, path).python < 80 * MEBIBYTE


@pytest.mark.slow
@pytest.mark.parametrize("path", PATHS)
def test_sixty_objects_of_25_mb_take_no_more_than_a_listing_did(
    s3_environment, bucket, path
):
    """The memory of the process too: freed bodies are not kept by the C library. It was 2.1 GB for a replay."""
    noise = random.Random(1).randbytes(75_000)
    data = b'{"note": "%s"}' % noise.hex().encode()
    client, keys = (
        s3_environment.client(),
        [f"log-{number:02}.json" for number in range(60)],
    )
    for key in keys:
        client.put_object(
            Bucket=bucket,
            Key=f"in/{key}",
            Body=(data + b"\n") * (25_000_000 // len(data)),
        )
    assert max(read(bucket, keys, path)) < 400 * MEBIBYTE


def read(bucket, keys, path):
    """Memory that it takes to read these objects, two splits at once where there are so many."""

    def work():
        found = source(f"s3://{bucket}/in", include="*")
        ledger = CombinedLedger([EmptyLedger()], None)
        if path == "notification":
            records = [
                {
                    "eventName": "ObjectCreated:Put",
                    "s3": {"bucket": {"name": bucket}, "object": {"key": f"in/{key}"}},
                }
                for key in keys
            ]
            found.accept_trigger(Trigger("s3", {"Records": records}, names_work=True))
        splits = found.plan_replay(keys) if path == "replay" else found.plan(ledger)
        try:
            with ThreadPoolExecutor(2) as pool:
                taken = sum(
                    pool.map(
                        lambda split: sum(map(records_of, found.read(split))), splits
                    )
                )
        finally:
            found.close()
        assert taken > len(keys)

    return peak(work)


def records_of(batch):
    assert not batch.unread
    return len(batch.source_keys) + len(batch.rejected)
