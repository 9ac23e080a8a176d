"""Splits, shared out between this process and worker processes."""

from __future__ import annotations

import logging
import pickle
from collections import Counter, deque
from collections.abc import Iterator
from functools import partial
from queue import SimpleQueue
from typing import Any, Protocol

from reporting_framework.builtin.processes.worker import (
    Event,
    WorkerEnded,
    WorkerProcess,
    polars_threads,
)
from reporting_framework.errors import ReportingError, StepFailed, TransientError
from reporting_framework.plugin_api.engine import DividedWork
from reporting_framework.plugin_api.records import Split, SplitResult
from reporting_framework.plugin_api.traffic import ContextThreads

AHEAD = 24
"""Number of splits that may be under way or finished after the first that is not: their
results wait, as they are returned in the order of the splits.
"""

MAX_DEATHS = 2
"""Number of workers that may end while they process one split, or while they start."""

_log = logging.getLogger(__name__)


class Place(Protocol):
    """Place where splits are processed; see `WorkerProcess`."""

    at_once: int
    capacity: int
    under_way: dict[int, Split]

    def submit(self, number: int, split: Split) -> None:
        """Begin to process a split; its result becomes an event."""

    def close(self, *, finished: bool) -> None:
        """End all work here."""


class SharedWork:
    """Work on splits that several processes share.

    Args:
        work: The work.
        first_part: Its first part, for other processes.
        workers: Number of worker processes.
        at_once: Number of splits that each process works on at once.
        required: Whether worker processes were asked for. If so, one that ends by
            itself is replaced, and it is an error if that does not help; if not, this
            process continues alone.
    """

    def __init__(
        self,
        work: DividedWork,
        first_part: Any,
        *,
        workers: int,
        at_once: int,
        required: bool,
    ) -> None:
        self._work, self._at_once, self._required = work, at_once, required
        self._pickled = pickle.dumps(first_part, pickle.HIGHEST_PROTOCOL)
        self._threads = polars_threads(workers)
        self._events = SimpleQueue[Event]()
        self._places: list[Place] = []
        self._again: deque[tuple[int, Split]] = deque()
        self._deaths = Counter[int]()
        self._ended_at_start = 0
        self._workers = workers

    def map(self, splits: Iterator[Split]) -> Iterator[SplitResult]:
        """Yield the results of splits, in their order."""
        _log.debug("worker processes: %d", self._workers)
        finished, results = False, dict[int, SplitResult]()
        given = returned = 0
        more = True
        try:
            self._places.append(_ThisProcess(self._work, self._at_once, self._events))
            for _ in range(self._workers):
                self._start()
            while True:
                while place := self._free():
                    if self._again:
                        place.submit(*self._again.popleft())
                        continue
                    if not more or given - returned >= max(AHEAD, self._capacity()):
                        break
                    if (split := next(splits, None)) is None:
                        more = False
                        break
                    place.submit(given, split)
                    given += 1
                if returned == given:
                    break
                self._take(self._events.get(), results)
                while returned in results:
                    yield results.pop(returned)
                    returned += 1
            finished = True
        finally:
            for place in reversed(self._places):
                place.close(finished=finished)

    def _free(self) -> Place | None:
        """Return the place that should get the next split, if there is one.

        A worker process gets one split more than it works on, so that it need not wait
        for the next one.
        """
        idle = [place for place in self._places if len(place.under_way) < place.at_once]
        rest = [
            place for place in self._places if len(place.under_way) < place.capacity
        ]
        return min(idle or rest, key=lambda place: len(place.under_way), default=None)

    def _capacity(self) -> int:
        return sum(place.capacity for place in self._places)

    def _take(self, event: Event, results: dict[int, SplitResult]) -> None:
        """Take the result of a split, or what else has happened.

        Raises:
            BaseException: The error of a split.
            ReportingError: Worker processes keep ending.
        """
        place, number, result, error = event
        if number < 0:
            self._lost(place, error)
            return
        place.under_way.pop(number)
        if error is not None:
            raise error
        assert result is not None  # noqa: S101 - or there would be an error
        results[number] = result

    def _start(self) -> WorkerProcess | None:
        """Start a worker process; return `None` if this process can do without."""
        try:
            worker = WorkerProcess(
                self._work, self._pickled, self._at_once, self._threads, self._events
            )
        except OSError as error:
            if self._required:
                raise TransientError(
                    "engine processes: a worker process could not be started"
                    f" ({error.strerror}); run again with fewer workers"
                ) from error
            _log.warning(
                "a worker process could not be started (%s); this process works alone",
                error.strerror,
            )
            return None
        self._places.append(worker)
        return worker

    def _lost(self, worker: WorkerProcess, error: BaseException | None) -> None:
        """Arrange for the splits of a worker process that has ended.

        Raises:
            ReportingError: There is no use in going on.
        """
        self._places.remove(worker)
        worker.close(finished=False)
        splits = sorted(worker.under_way.items())
        if not self._required:
            self._again.extend(splits)
            _log.warning(
                "a worker process is lost (%s); this process does its work again",
                error,
            )
            return
        if not worker.ready:
            self._check_start(error)
        for number in worker.begun:
            self._deaths[number] += 1
            if self._deaths[number] >= MAX_DEATHS:
                raise TransientError(
                    f"engine processes: split {worker.under_way[number].id} ended"
                    f" {MAX_DEATHS} worker processes, the last one:"
                    f" {error}; if memory is short, set fewer workers"
                ) from error
        _log.warning(
            "a worker process is lost (%s); another one does its work again", error
        )
        if (other := self._start()) is not None:
            for number, split in splits:  # this process may not survive them
                other.submit(number, split)

    def _check_start(self, error: BaseException | None) -> None:
        """Raise unless another worker process may begin where one could not.

        Raises:
            ReportingError: It may not.
        """
        if isinstance(error, ReportingError):
            raise error
        if not isinstance(error, WorkerEnded):
            raise StepFailed(
                f"engine processes: a worker process could not begin: {error}; use"
                " engine local"
            ) from error
        self._ended_at_start += 1
        if self._ended_at_start >= MAX_DEATHS:
            raise TransientError(
                f"engine processes: {MAX_DEATHS} worker processes ended before they"
                f" could begin, the last one: {error}; if memory is short, set fewer"
                " workers, or use engine local"
            ) from error


class _ThisProcess:
    """Place where splits are processed: threads of this process."""

    def __init__(
        self, work: DividedWork, at_once: int, events: SimpleQueue[Event]
    ) -> None:
        self.at_once = self.capacity = at_once
        self.under_way: dict[int, Split] = {}
        self._work, self._events = work, events
        self._threads = ContextThreads(at_once, "reporting-split")

    def submit(self, number: int, split: Split) -> None:
        """See `Place`."""
        self.under_way[number] = split
        self._threads.submit(partial(self._process, number, split))

    def close(self, *, finished: bool) -> None:
        """See `Place`; nobody waits for the rest of a run that failed."""
        self._threads.shutdown(wait=finished, cancel_futures=True)

    def _process(self, number: int, split: Split) -> None:
        try:
            event = Event(self, number, self._work(split))
        except BaseException as error:
            event = Event(self, number, error=error)
        self._events.put(event)
