"""Requests in flight, whose results come in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from typing import Any, NamedTuple

from reporting_framework.plugin_api.traffic import ContextThreads

GROUP, MAX_SINGLE = 4, 512
"""Number of known pages that a thread fetches at once, but for the last ones."""

Start = Callable[[], "Future[Any]"]


class Work(NamedTuple):
    """Work that begins with a request.

    Attributes:
        start: Function that sends the request.
        finish: Function that yields results, given the response's future.
    """

    start: Start
    finish: Callable[[Future[Any]], Iterator[Any]]


def in_order(items: Iterable[Any], most: int) -> Iterator[Any]:
    """Yield items, and the results of each `Work` among them in its place.

    Later work is in flight meanwhile. Items are taken ahead only while there is work,
    and no more than `most` pieces of it.
    """
    ahead: deque[tuple[Any, Future[Any] | None]] = deque()
    given, more, working = iter(items), True, 0
    try:
        while True:
            while more and (not ahead or 0 < working < most):
                try:
                    item = next(given)
                except StopIteration:
                    more = False
                    break
                started = item.start() if isinstance(item, Work) else None
                working += started is not None
                ahead.append((item, started))
            if not ahead:
                return
            item, started = ahead.popleft()
            if started is None:
                yield item
                continue
            working -= 1
            yield from item.finish(started)
    finally:
        for _, started in ahead:
            if started is not None:
                started.cancel()


def pool(parallelism: int) -> ContextThreads:
    """Return threads for requests."""
    return ContextThreads(parallelism, thread_name_prefix="rest-api")


def nothing() -> Future[None]:
    """Return work that is done already."""
    done: Future[None] = Future()
    done.set_result(None)
    return done


def groups(tokens: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """Yield tokens in groups that a thread fetches one after another.

    Groups save hand-overs between threads; the last pages are single, so that all
    threads end at the same time.
    """
    single = max(0, len(tokens) - MAX_SINGLE)
    for at in range(0, single, GROUP):
        yield tokens[at : min(at + GROUP, single)]
    for at in range(single, len(tokens)):
        yield tokens[at : at + 1]
