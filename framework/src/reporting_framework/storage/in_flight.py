"""Concurrent requests with a limit on the bytes of their bodies.

Memory does not depend on the number of large objects.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TypeVar

from reporting_framework.errors import StorageUnavailable

T = TypeVar("T")
Admit = Callable[[int], None]
"""Called with a body's size before reading; returns when it may be read."""

_M_MMAP_THRESHOLD = -3
"""Option of `mallopt` in the GNU C library, from its ``malloc.h``."""


def return_large_blocks(size: int = 1024**2) -> None:
    """Make the GNU C library return freed blocks of `size` bytes or more to the system.

    Otherwise it keeps blocks of up to 32 MiB for each of many threads, more than twice
    the budget. Does nothing with another C library.
    """
    if sys.platform == "linux" and hasattr(library := ctypes.CDLL(None), "mallopt"):
        library.mallopt(_M_MMAP_THRESHOLD, size)


class _Line:
    """The objects of one split: position of the next, and bytes of those admitted."""

    def __init__(self) -> None:
        self.front = 0
        self.held: dict[int, int] = {}
        self.closed = False


class InFlight:
    """Budget of bytes for bodies that are being read or wait to be processed.

    All splits of a source share it.

    The next object of a split may exceed the budget, for one split at a time. So each
    split makes progress whatever the others hold, and the limit is the budget plus one
    object.

    Args:
        requests: Threads that fetch objects.
        most: Budget in bytes.
    """

    def __init__(self, requests: ThreadPoolExecutor, most: int) -> None:
        return_large_blocks()
        self._requests, self._most = requests, most
        self._used = self._waiting = 0
        self._over: tuple[_Line, int] | None = None
        self._changed = threading.Condition()
        self._closed = False

    def map(self, fetch: Callable[[str, Admit], T], keys: Iterable[str]) -> Iterator[T]:
        """Yield the result of `fetch` for each key, in order.

        A yielded object counts until the next one is requested.
        """
        line = _Line()
        futures = deque(
            self._requests.submit(fetch, key, partial(self._admit, line, at))
            for at, key in enumerate(keys)
        )
        try:
            while futures:
                yield futures.popleft().result()
                self._release(line)
        finally:
            self._abandon(line, futures)

    def close(self) -> None:
        """Stop waiting: waiting requests fail."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _admit(self, line: _Line, at: int, size: int) -> None:
        with self._changed:
            if at in line.held:  # an interrupted answer is requested again
                return
            self._waiting += 1
            self._changed.wait_for(
                lambda: self._closed or line.closed or self._fits(line, at, size)
            )
            self._waiting -= 1
            if self._closed or line.closed:
                raise StorageUnavailable(
                    "source: it was closed while an object waited to be read; run again"
                )
            if self._used + size > self._most:
                self._over = (line, at)
            self._used += size
            line.held[at] = size

    def _fits(self, line: _Line, at: int, size: int) -> bool:
        return self._used + size <= self._most or (
            self._over is None and at == line.front
        )

    def _release(self, line: _Line) -> None:
        """Release the bytes of the object that was processed."""
        with self._changed:
            self._used -= line.held.pop(line.front, 0)
            if self._over == (line, line.front):
                self._over = None
            line.front += 1
            if self._waiting:
                self._changed.notify_all()

    def _abandon(self, line: _Line, futures: Iterable[Future[T]]) -> None:
        for future in futures:
            future.cancel()
        with self._changed:
            line.closed = True
            self._used -= sum(line.held.values())
            line.held.clear()
            if self._over is not None and self._over[0] is line:
                self._over = None
            self._changed.notify_all()
