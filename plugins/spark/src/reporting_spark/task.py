"""Work of an executor: it reads and validates splits, and returns the rows."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from reporting_framework.builtin.processes.sent_errors import sent
from reporting_framework.builtin.processes.sent_logs import Levels, forward
from reporting_framework.plugin_api.records import Split
from reporting_framework.plugin_api.traffic import TrafficCounts, counting

_END = object()

Work = Callable[[Split], Iterable[Any]]
"""First part of the work; see `reporting_framework.plugin_api.engine.DividedWork`."""


@dataclass(frozen=True)
class SplitTask:
    """Function that an executor calls with pickled splits.

    Attributes:
        key: Identity of the work. A Python process of an executor builds the plugins of
            a work once.
        work: The first part of the work, pickled.
        levels: Levels of the driver's loggers.
    """

    key: str
    work: bytes
    levels: Levels

    def __call__(self, splits: Iterable[bytes]) -> Iterator[bytes]:
        """Yield pickled messages: a kind, and its data.

        Kinds are log, part, error, and done with the counts of requests and bytes.
        """
        for split in splits:
            for message in self._messages(pickle.loads(split)):  # noqa: S301 - of the driver
                yield pickle.dumps(message, pickle.HIGHEST_PROTOCOL)

    def _messages(self, split: Split) -> Iterator[tuple[str, Any]]:
        logs = _process.logs(self.levels)
        logs.clear()
        counts = TrafficCounts()
        end: tuple[str, Any]
        try:
            with counting(counts):
                parts = iter(_process.built(self.key, self.work)(split))
            while (part := _next(parts, counts)) is not _END:
                yield "part", part
            end = ("done", counts.current())
        except BaseException as error:
            end = ("error", sent(error))
        yield from (("log", fields) for fields in logs)
        yield end


def _next(parts: Iterator[Any], counts: TrafficCounts) -> Any:
    """Return the next part or `_END`; add its requests and bytes to the counts."""
    with counting(counts):
        return next(parts, _END)


class _Process:
    """State that a Python process of an executor keeps from one split to the next."""

    def __init__(self) -> None:
        self._key: str | None = None
        self._work: Work | None = None
        self._logs: list[Any] | None = None

    def logs(self, levels: Levels) -> list[Any]:
        """Return the list of all log records since it was emptied."""
        if self._logs is None:
            self._logs = []
            forward(self._logs.append, levels)
        return self._logs

    def built(self, key: str, work: bytes) -> Work:
        """Return the work, whose plugins are built if it is not the one before."""
        if self._work is None or self._key != key:
            if self._work is not None:
                with suppress(Exception):  # what a plugin's end raises helps nobody
                    getattr(self._work, "close", int)()
                self._work = None
            self._work, self._key = pickle.loads(work), key  # noqa: S301 - of the driver
        return self._work


_process = _Process()
