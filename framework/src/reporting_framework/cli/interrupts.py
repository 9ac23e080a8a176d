"""Ctrl-C during a library's computation."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

T = TypeVar("T")

POLL_SECONDS = 0.1
"""Longest delay of an interrupt, in seconds."""

_left: list[threading.Thread] = []
"""Threads that still ran after an interrupt; their results are not used."""


def interruptible(action: Callable[[], T]) -> T:
    """Run a read-only action in a thread, so that Ctrl-C takes effect at once.

    polars looks for signals only between the steps of a query, and a step may take
    seconds. After an interrupt the thread runs on; it ends with the process.

    Raises:
        BaseException: The action raised it.
    """
    answer: Future[T] = Future()

    def work() -> None:
        try:
            answer.set_result(action())
        except BaseException as error:  # a Rust panic is not an `Exception`
            answer.set_exception(error)

    thread = threading.Thread(target=work, name="reporting-reading", daemon=True)
    thread.start()
    try:
        while wait([answer], POLL_SECONDS).not_done:
            pass  # the signal may go to a thread of the library, and wake no one here
    except BaseException:
        _left.append(thread)
        raise
    return answer.result()


def end_with(code: int) -> None:
    """End the process with this code if an interrupted thread still runs.

    Otherwise Python would wait for that thread's pool, or for a library that calls
    Python functions from the thread, and abort.
    """
    if any(thread.is_alive() for thread in _left):
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
        os._exit(code)
