"""Worker process, as its parent sees it."""

from __future__ import annotations

import gc
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from queue import SimpleQueue
from typing import IO, Any, NamedTuple, cast

from reporting_framework.builtin.processes.channel import Channel
from reporting_framework.builtin.processes.child import Setup
from reporting_framework.builtin.processes.machine import usable_cores
from reporting_framework.builtin.processes.sent_errors import received
from reporting_framework.builtin.processes.sent_logs import levels, log
from reporting_framework.plugin_api.engine import DividedWork
from reporting_framework.plugin_api.records import Split, SplitResult
from reporting_framework.plugin_api.traffic import in_context

_CODE = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]);"
    " from reporting_framework.builtin.processes.child import main; main()"
)

_EXIT_SECONDS = 5.0
"""Time that an idle worker process has to end before it is killed."""


class Event(NamedTuple):
    """News of a place where splits are processed.

    Attributes:
        place: The place.
        number: Number of the split; -1: the place itself has ended.
        result: Result of the split.
        error: Error that the split has raised, or for which the place has ended.
    """

    place: Any
    number: int
    result: SplitResult | None = None
    error: BaseException | None = None


class WorkerEnded(Exception):
    """A worker process has ended by itself; the message says how."""


class WorkerProcess:
    """Place where splits are processed: another process.

    Args:
        work: The work.
        pickled: Its first part, pickled.
        at_once: Number of splits to process at once.
        threads: Number of threads that polars may use there.
        events: Queue for the results.

    Attributes:
        capacity: Number of splits that it can hold: one more than it processes at once.
        under_way: Splits that it was given and has not returned, by number.
        begun: Numbers of those that it has begun to process.
        ready: Whether it has built the plugins.
    """

    def __init__(
        self,
        work: DividedWork,
        pickled: bytes,
        at_once: int,
        threads: int,
        events: SimpleQueue[Event],
    ) -> None:
        self.at_once, self.capacity = at_once, at_once + 1
        self.under_way: dict[int, Split] = {}
        self.begun: set[int] = set()
        self._work, self._events = work, events
        self._results: dict[int, SplitResult] = {}
        self._parts: dict[int, int] = {}
        self._closing = self.ready = False
        self._error: BaseException | None = None
        self._process = subprocess.Popen(  # noqa: S603 - this interpreter
            [sys.executable, *_flags(), "-c", _CODE, json.dumps(_path())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={"POLARS_MAX_THREADS": str(threads), **os.environ},
            process_group=0,  # Ctrl-C is for the parent, which ends its workers
        )
        reading, writing = self._process.stdout, self._process.stdin
        self._channel = Channel(cast(IO[bytes], reading), cast(IO[bytes], writing))
        self._listener = threading.Thread(
            target=in_context(self._listen), name="reporting-worker", daemon=True
        )
        self._listener.start()
        self._send(Setup(pickled, at_once, levels(), gc.get_threshold()))

    @property
    def pid(self) -> int:
        """Id of the process."""
        return self._process.pid

    def submit(self, number: int, split: Split) -> None:
        """Send a split; its result becomes an event."""
        self.under_way[number] = split
        self._results[number], self._parts[number] = self._work.start(split), 0
        self._send((number, split))

    def close(self, *, finished: bool) -> None:
        """End the process.

        Args:
            finished: Whether all its splits are finished; otherwise it is killed.
        """
        self._closing = True
        if not finished:
            self._process.kill()
        self._channel.end()
        try:
            self._process.wait(_EXIT_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._listener.join(_EXIT_SECONDS)  # it may be staging rows
        if not self._listener.is_alive():
            self._channel.close()

    def _send(self, message: object) -> None:
        with suppress(BrokenPipeError):  # the listener tells how it has ended
            self._channel.send(message)

    def _listen(self) -> None:
        """Turn the messages of the process into events."""
        try:
            while (message := self._channel.receive()) is not None:
                if not self._closing:
                    self._hear(*message)
        except BaseException as error:  # of a message that cannot be read
            self._error = error
            self._process.kill()
        if not self._closing:
            self._process.wait()
            self._closing = True
            self._events.put(Event(self, -1, error=self._error or self._ended()))

    def _hear(self, kind: str, number: int, what: Any) -> None:
        """Take a message of the process."""
        if kind == "log":
            log(what)
        elif kind == "ready":
            self.ready = True
        elif kind == "broken":
            self._error = received(what)
        elif kind == "begun":
            self.begun.add(number)
        elif kind == "error":
            self._end(number, received(what))
        elif kind == "done":
            if number in self._results:
                self._results[number].add_traffic(what)
            self._end(number)
        elif number in self._results:
            try:
                self._work.add(self._results[number], self._parts[number], what)
            except BaseException as error:
                self._end(number, error)
            else:
                self._parts[number] += 1

    def _end(self, number: int, error: BaseException | None = None) -> None:
        """Report the end of a split, unless it was reported before."""
        if (result := self._results.pop(number, None)) is not None:
            self.begun.discard(number)
            self._events.put(Event(self, number, result, error))

    def _ended(self) -> WorkerEnded:
        code = self._process.returncode
        how = f"it ended with exit status {code}"
        if code < 0:
            how = f"it was killed by {_signal(-code)}"
        when = "" if self.ready else " while it started"
        return WorkerEnded(f"{how}{when}")


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _flags() -> Iterator[str]:
    """Yield the options of this interpreter that change how a model behaves."""
    if sys.flags.optimize:
        yield f"-{'O' * sys.flags.optimize}"
    if sys.flags.isolated:
        yield "-I"
    yield from (f"-W{option}" for option in sys.warnoptions)
    yield f"-Xutf8={sys.flags.utf8_mode}"


def _path() -> list[str]:
    """Return the places that modules are imported from here."""
    return [entry for entry in sys.path if isinstance(entry, str)]


def polars_threads(workers: int) -> int:
    """Return the number of threads for polars in each of `workers` processes."""
    return max(1, usable_cores() // (workers + 1))
