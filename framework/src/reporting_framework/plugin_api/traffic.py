"""Counts of the requests and bytes of a run, and threads that count for their run.

The counts of a run belong to its context (`contextvars`), so runs at the same time in
one process do not count each other's requests.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from functools import partial
from typing import Any, ParamSpec, TypeVar

from typing_extensions import override

P = ParamSpec("P")
T = TypeVar("T")

BYTES_READ, BYTES_WRITTEN = "bytes_read", "bytes_written"


class TrafficCounts:
    """Counts of a run; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[str, int] = {}

    def add(self, name: str, number: int) -> None:
        """Add to a count; see `count`."""
        with self._lock:
            self._counts[name] = self._counts.get(name, 0) + number

    def add_all(self, counts: Mapping[str, int]) -> None:
        """Add counts by name; see `count`."""
        for name, number in counts.items():
            self.add(name, number)

    def current(self) -> dict[str, int]:
        """Return the counts so far."""
        with self._lock:
            return dict(self._counts)

    def take(self) -> dict[str, int]:
        """Return the counts so far, and begin again at 0."""
        with self._lock:
            counts, self._counts = self._counts, {}
            return counts


_counts: ContextVar[TrafficCounts | None] = ContextVar("traffic", default=None)


def count(name: str, number: int = 1) -> None:
    """Add to the counts of the run in this context, if there is one.

    Args:
        name: Kind of a request (``get``, ``head``, ``list``, ``put`` and ``delete`` of
            a storage, ``api`` of an API), or `BYTES_READ` or `BYTES_WRITTEN`.
        number: Number of requests or bytes.
    """
    if (current := _counts.get()) is not None:
        current.add(name, number)


def count_all(counts: Mapping[str, int]) -> None:
    """Add counts of another process; see `count`."""
    if (current := _counts.get()) is not None:
        current.add_all(counts)


@contextmanager
def counting(counts: TrafficCounts) -> Iterator[None]:
    """Add what is counted within the block to `counts` and to no others."""
    token = _counts.set(counts)
    try:
        yield
    finally:
        _counts.reset(token)


def in_context(function: Callable[P, T]) -> Callable[P, T]:
    """Return a function that another thread may call in the context of this one."""
    return partial(copy_context().run, function)


class ContextThreads(ThreadPoolExecutor):
    """Pool of threads that calls each function in the context of its caller.

    A plugin that sends requests in threads needs it for the counts of a run.
    """

    @override
    def submit(
        self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Future[T]:
        call: Any = in_context(fn)
        future: Future[T] = super().submit(call, *args, **kwargs)
        return future
