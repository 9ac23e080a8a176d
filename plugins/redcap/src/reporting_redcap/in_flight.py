"""Calls in flight: several at once, results in order, few further ahead."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from typing import TypeVar

from reporting_framework.plugin_api.traffic import ContextThreads

T = TypeVar("T")
R = TypeVar("R")


def in_order(call: Callable[[T], R], items: Iterable[T], at_once: int) -> Iterator[R]:
    """Yield the results of calls in the order of their items.

    Args:
        call: Function to call, in other threads.
        items: Arguments of the calls.
        at_once: How many calls run at once, or wait with a result.
    """
    pool = ContextThreads(at_once, thread_name_prefix="redcap")
    waiting: deque[Future[R]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(call, item))
            if len(waiting) >= at_once:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:  # calls that still run end when the client is closed
        pool.shutdown(wait=not waiting, cancel_futures=True)
