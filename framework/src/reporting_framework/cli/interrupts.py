"""Ctrl-C while a library computes."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

T = TypeVar("T")

POLL_SECONDS = 0.1
"""How long an interrupt may wait."""

_left: list[threading.Thread] = []
"""Threads that went on when their result was no longer wanted."""


def interruptible(action: Callable[[], T]) -> T:
    """Do something that only reads in a thread, so that Ctrl-C need not wait for it.

    Between the steps of a query polars looks for signals, and a step may take seconds.
    After an interrupt the thread is left alone; it ends with the process.

    Raises:
        BaseException: Whatever the action raises.
    """
    answer: Future[T] = Future()

    def work() -> None:
        try:
            answer.set_result(action())
        except BaseException as error:  # libraries in Rust panic with one
            answer.set_exception(error)

    thread = threading.Thread(target=work, name="reporting-reading", daemon=True)
    thread.start()
    try:
        while wait([answer], POLL_SECONDS).not_done:
            pass  # the signal may go to a thread of the library, and wake nobody
    except BaseException:
        _left.append(thread)
        raise
    return answer.result()


def end_with(code: int) -> None:
    """End the process with this code if a thread was left alone that still works.

    Else Python would wait for the pool of that thread, or for a library that calls
    Python functions from it, and abort.
    """
    if any(thread.is_alive() for thread in _left):
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
        os._exit(code)
