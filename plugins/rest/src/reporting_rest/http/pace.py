"""Rate of requests: a token bucket that all threads of a client share."""

from __future__ import annotations

import time
from threading import Event, Lock


class Pace:
    """Token bucket, with pauses that the server asks for.

    Args:
        rate: Requests a second, `None`: no limit.
        burst: Tokens that the bucket holds.
    """

    def __init__(self, rate: float | None, burst: int = 1) -> None:
        self._interval = 1 / rate if rate else 0.0
        self._room = self._interval * (burst - 1)
        self._lock, self._end = Lock(), Event()
        self._next = self._paused = 0.0

    def wait(self) -> None:
        """Wait for the turn of one request."""
        if not self._interval and not self._paused:
            return
        if (seconds := self._reserve(time.monotonic())) > 0:
            self.sleep(seconds)

    def sleep(self, seconds: float) -> None:
        """Wait for some seconds, or until the client is closed."""
        self._end.wait(seconds)

    @property
    def closed(self) -> bool:
        """True if the client is closed."""
        return self._end.is_set()

    def close(self) -> None:
        """End all waits."""
        self._end.set()

    def pause(self, seconds: float) -> None:
        """Let no request begin for some seconds, in any thread."""
        with self._lock:
            self._paused = max(self._paused, time.monotonic() + seconds)

    def _reserve(self, now: float) -> float:
        """Take a token; return the seconds until it is due."""
        with self._lock:
            due = max(now, self._paused, self._next - self._room)
            self._next = max(self._next, due) + self._interval
            return due - now
