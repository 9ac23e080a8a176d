"""Decision of the engine ``local`` to share a large run out to worker processes."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from operator import length_hint
from typing import Any

from reporting_framework.errors import PluginError
from reporting_framework.plugin_api.records import Split, SplitResult

MIN_SECONDS = 2.0
"""Processor time that the rest of the splits must take for worker processes to pay: the
start of one takes 0.4 s.
"""

FIRST_SECONDS = 0.3
"""Processor time of the first split that is not of the kind that each split takes."""

BUSY = 0.7
"""Share of the time in which the work must use a core, or be ready and have none: work
that waits for a network needs no more cores.
"""

SPARE = 0.5
"""Part of a core that the work must leave idle, for a worker process to use."""

WORKER_BYTES = 512 * 1024**2
"""Memory that must be free for each worker process."""

_log = logging.getLogger(__name__)


class HandOver:
    """Measurement of the first splits, from which the decision follows.

    Args:
        process: Function that processes splits.
        splits: The splits; its length hint tells how many are left.
        most: Maximum number of worker processes; 0: never share.
    """

    def __init__(
        self, process: Callable[[Split], SplitResult], splits: object, most: int
    ) -> None:
        self._process, self._splits = process, splits
        self._most = most if hasattr(process, "first_part") else 0
        self._done = 0
        self._busy = self._seconds = self._first = 0.0
        self._waited_at = _seconds_waited() if self._most else 0.0
        self._begin()

    def _begin(self) -> None:
        self._cpu_at, self._at = time.process_time(), time.perf_counter()

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Add the time of the block to that of the splits."""
        self._begin()
        yield
        self.add(1)

    def add(self, splits: int) -> None:
        """Add finished splits, and the time since they began or since the last call."""
        self._busy += time.process_time() - self._cpu_at
        self._seconds += time.perf_counter() - self._at
        if not self._done:
            self._first = self._busy
        self._done += splits
        self._begin()

    def first_part(self) -> tuple[Any, int] | None:
        """Return what worker processes need, and their number; `None`: they do not pay.

        This is decided at the first call at which they would pay.
        """
        if not self._most or (left := self._left()) < MIN_SECONDS:
            return None
        most, self._most = self._most, 0
        workers = min(most, self._possible(), int(left))
        if workers < 1:
            return None
        try:
            first_part = self._process.first_part()  # type: ignore[attr-defined]
        except PluginError as error:
            _log.debug("no worker processes: %s", error)
            return None
        return None if first_part is None else (first_part, workers)

    def _left(self) -> float:
        """Return the processor time that the rest of the splits will probably take.

        If their number is not known, as many are expected as there were.
        """
        if not self._done:
            return 0.0
        each = (
            self._first - FIRST_SECONDS
            if self._done == 1
            else (self._busy - self._first) / (self._done - 1)
        )
        return each * (length_hint(self._splits) or self._done)

    def _possible(self) -> int:
        """Return the number of worker processes that there is room for."""
        if "AWS_LAMBDA_FUNCTION_NAME" in os.environ or not _has_interpreter():
            return 0
        from reporting_framework.builtin.processes.machine import (
            free_memory,
            usable_cores,
        )  # small runs do not need it

        cores, free = usable_cores(), free_memory()
        if cores - self._busy / self._seconds < SPARE:
            return 0
        waited = _seconds_waited() - self._waited_at
        if self._busy + waited < BUSY * self._seconds:
            return 0
        room = cores if free is None else free // WORKER_BYTES
        return min(cores - 1, room)


def _seconds_waited() -> float:
    """Return how long the threads of this process were ready and had no core, ever.

    Returns 0.0 if the system does not count it.
    """
    waited = 0
    with suppress(OSError, ValueError):
        for task in os.listdir("/proc/self/task"):
            with (
                suppress(FileNotFoundError),  # a thread that has just ended
                open(f"/proc/self/task/{task}/schedstat", "rb") as file,
            ):
                waited += int(file.read().split()[1])
    return waited / 1e9


def _has_interpreter() -> bool:
    """Return whether a Python process can be started: not from a frozen program."""
    return bool(sys.executable) and not getattr(sys, "frozen", False)


class _Budget:
    """Number of worker processes of all runs of this process."""

    def __init__(self) -> None:
        self.used = 0
        self._lock = threading.Lock()

    @contextmanager
    def taken(self, workers: int) -> Iterator[int]:
        """Take as many of `workers` as are left of those that the block may have."""
        with self._lock:
            granted = max(0, workers - self.used)
            self.used += granted
        try:
            yield granted
        finally:
            with self._lock:
                self.used -= granted


BUDGET = _Budget()
