"""Requests under way, bounded in the bytes of their bodies.

Memory does not depend on how many objects are large.
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
"""Called with the size of a body before it is read; returns when it may be."""

_M_MMAP_THRESHOLD = -3
"""Option of `mallopt` in the GNU C library, from its ``malloc.h``."""


def return_large_blocks(size: int = 1024**2) -> None:
    """Make the C library return memory of large blocks as soon as they are freed.

    It returns blocks from `size` bytes on to the system.

    Otherwise it keeps those of up to 32 MiB for each of many threads: twice the budget
    and more. Does nothing where the C library is not GNU's.
    """
    if sys.platform == "linux" and hasattr(library := ctypes.CDLL(None), "mallopt"):
        library.mallopt(_M_MMAP_THRESHOLD, size)


class _Line:
    """The objects of one split.

    It says which is to be taken next, and the bytes that those admitted hold.
    """

    def __init__(self) -> None:
        self.front = 0
        self.held: dict[int, int] = {}
        self.closed = False


class InFlight:
    """A budget of bytes for bodies that are being read or wait to be taken.

    All splits of a source share it.

    The object that a split takes next may go over the budget, one of all splits at a
    time: so each split gets on, whatever the others hold, and the bound is the budget
    and one object.

    Args:
        requests: Threads that fetch.
        most: The budget in bytes.
    """

    def __init__(self, requests: ThreadPoolExecutor, most: int) -> None:
        return_large_blocks()
        self._requests, self._most = requests, most
        self._used = self._waiting = 0
        self._over: tuple[_Line, int] | None = None
        self._changed = threading.Condition()
        self._closed = False

    def map(self, fetch: Callable[[str, Admit], T], keys: Iterable[str]) -> Iterator[T]:
        """Yield what `fetch` returns for each key, in order.

        What was yielded counts until the next is asked for.
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
        """Let nothing wait any longer: what waits fails."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _admit(self, line: _Line, at: int, size: int) -> None:
        with self._changed:
            if at in line.held:  # an answer that broke off is asked for again
                return
            self._waiting += 1
            self._changed.wait_for(
                lambda: self._closed or line.closed or self._fits(line, at, size)
            )
            self._waiting -= 1
            if self._closed or line.closed:
                raise StorageUnavailable(
                    "the source was closed while an object was waiting to be read; run"
                    " again"
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
        """Count the object that was taken no more."""
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
