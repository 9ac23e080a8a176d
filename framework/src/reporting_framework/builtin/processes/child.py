"""Worker process: it processes splits that its parent sends, until the parent ends."""

from __future__ import annotations

import gc
import os
import pickle
import sys
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from typing import Any, NamedTuple

from reporting_framework.builtin.processes.channel import Channel
from reporting_framework.builtin.processes.sent_errors import sent
from reporting_framework.builtin.processes.sent_logs import Levels, forward
from reporting_framework.plugin_api.records import Split
from reporting_framework.plugin_api.traffic import TrafficCounts, counting


class Setup(NamedTuple):
    """First message to a worker process.

    Attributes:
        work: The function that processes splits, pickled.
        at_once: Number of splits to process at once.
        levels: Levels of the parent's loggers.
        collector: Thresholds of the parent's garbage collector.
    """

    work: bytes
    at_once: int
    levels: Levels
    collector: tuple[int, int, int]


def main() -> None:
    """Process splits until the parent closes the channel, or ends."""
    channel = Channel(*_standard_streams())
    setup: Setup | None = channel.receive()
    if setup is None:
        return
    gc.set_threshold(*setup.collector)
    forward(lambda record: channel.send(("log", 0, record)), setup.levels)
    counts = TrafficCounts()
    try:
        with counting(counts):
            work = pickle.loads(setup.work)  # noqa: S301 - of the parent
    except BaseException as error:
        channel.send(("broken", 0, sent(error)))
        return
    channel.send(("ready", 0, None))
    serve(channel, work, setup.at_once, counts)


def serve(
    channel: Channel,
    work: Callable[[Split], Iterable[Any]],
    at_once: int,
    counts: TrafficCounts,
) -> None:
    """Process splits in threads while this one waits for the parent's end.

    The process then ends at once, whatever the threads do: nobody reads their results.

    Args:
        channel: Channel to the parent.
        work: Function that processes a split.
        at_once: Number of splits to process at once.
        counts: Requests and bytes of this process so far.
    """
    splits = SimpleQueue[tuple[int, Split]]()
    idle = threading.Semaphore(at_once)
    for _ in range(at_once):
        threading.Thread(
            target=_work, args=(channel, work, splits, idle, counts), daemon=True
        ).start()
    while (message := channel.receive()) is not None:
        splits.put(message)
    if splits.empty() and all(idle.acquire(blocking=False) for _ in range(at_once)):
        with suppress(Exception):
            getattr(work, "close", int)()
    sys.stderr.flush()
    os._exit(0)


def _work(
    channel: Channel,
    work: Callable[[Split], Iterable[Any]],
    splits: SimpleQueue[tuple[int, Split]],
    idle: threading.Semaphore,
    counts: TrafficCounts,
) -> None:
    """Process one split after the other."""
    while True:
        number, split = splits.get()
        with idle, counting(counts):
            _process(partial(_send, channel, number), work, split, counts)


def _process(
    send: Callable[[str, Any], None],
    work: Callable[[Split], Iterable[Any]],
    split: Split,
    counts: TrafficCounts,
) -> None:
    """Process a split, and send what comes of it.

    The counts of all splits are sent with the first one that is done.
    """
    try:
        send("begun", None)
        for part in work(split):
            send("part", part)
    except BaseException as error:
        send("error", sent(error))
    else:
        send("done", counts.take())


def _send(channel: Channel, number: int, kind: str, what: Any) -> None:
    """Send a message; if the parent has ended, this process is about to end too."""
    with suppress(BrokenPipeError):
        channel.send((kind, number, what))


def _standard_streams() -> Any:
    """Return what the parent reads and writes; plugins that print do not disturb it."""
    reading, writing = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    return os.fdopen(reading, "rb"), os.fdopen(writing, "wb")
