"""Calls of operations of a bucket, with their duration, while a watch is on."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(slots=True)
class Requests:
    """Requests of one operation.

    Attributes:
        began: Start of the first request, in seconds since the epoch.
        ended: End of the last request, in seconds since the epoch.
        count: Number of requests.
        failed: Number of requests that raised an error.
        seconds: Total duration of the requests.
    """

    began: float
    ended: float = 0.0
    count: int = 0
    failed: int = 0
    seconds: float = 0.0


@dataclass(slots=True)
class Watch:
    """Requests since the watch began, by operation.

    Safe to use from several threads.
    """

    requests: dict[str, Requests] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, operation: str, began: float, *, failed: bool) -> None:
        """Count one request that ends now."""
        ended = time.time()
        with self.lock:
            seen = self.requests.setdefault(operation, Requests(began))
            seen.began, seen.ended = min(seen.began, began), max(seen.ended, ended)
            seen.count += 1
            seen.failed += failed
            seen.seconds += ended - began


_watch: Watch | None = None


def watch() -> Watch:
    """Start counting; an earlier watch ends."""
    global _watch
    _watch = Watch()
    return _watch


def unwatch() -> None:
    """Stop counting."""
    global _watch
    _watch = None


def request(operation: str) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Decorate a function that makes one request; count it while a watch is on."""

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> T:
            if (watching := _watch) is None:
                return function(*args, **kwargs)
            began = time.time()
            try:
                result = function(*args, **kwargs)
            except StopIteration:  # no more pages: no request was made
                raise
            except BaseException:
                watching.add(operation, began, failed=True)
                raise
            watching.add(operation, began, failed=False)
            return result

        return call

    return decorate


def pages(
    operation: str,
) -> Callable[[Callable[P, Iterator[T]]], Callable[P, Iterator[T]]]:
    """Decorate a generator that makes one request for each item."""

    def decorate(function: Callable[P, Iterator[T]]) -> Callable[P, Iterator[T]]:
        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> Iterator[T]:
            return (
                function(*args, **kwargs)
                if _watch is None
                else _count_pages(function(*args, **kwargs))
            )

        def _count_pages(pages: Iterator[T]) -> Iterator[T]:
            take = request(operation)(pages.__next__)
            with suppress(StopIteration):
                while True:
                    yield take()

        return call

    return decorate
