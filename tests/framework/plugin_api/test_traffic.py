"""Counts of requests and bytes belong to the context in which they are counted."""

import threading

from reporting_framework.plugin_api.traffic import (
    ContextThreads,
    TrafficCounts,
    count,
    counting,
    in_context,
)


def test_counts_are_added_to_the_innermost_block_alone():
    outer, inner = TrafficCounts(), TrafficCounts()
    count("get")  # no run
    with counting(outer):
        count("get")
        with counting(inner):
            count("get")
            count("bytes_read", 5)
            count("put")
        count("get")
    assert outer.current() == {"get": 2}
    assert inner.take() == {"get": 1, "bytes_read": 5, "put": 1}
    assert inner.current() == {}


def test_threads_count_for_who_gave_them_the_work():
    first, second = TrafficCounts(), TrafficCounts()
    with ContextThreads(1) as threads:
        for counts, number in ((first, 2), (second, 3)):
            with counting(counts):
                list(threads.map(lambda _: count("get"), range(number)))
    with counting(first):
        thread = threading.Thread(target=in_context(lambda: count("head")))
    thread.start()
    thread.join()
    assert (first.current(), second.current()) == ({"get": 2, "head": 1}, {"get": 3})


def test_no_count_is_lost_between_threads():
    counts = TrafficCounts()
    with counting(counts), ContextThreads(8) as threads:
        list(threads.map(lambda _: [count("get") for _ in range(2_000)], range(8)))
    assert counts.current() == {"get": 16_000}
