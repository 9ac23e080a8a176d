"""Ctrl-C during a library's computation, and the end of the process."""

from __future__ import annotations

import atexit
import gc
import io
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import compress
from typing import TYPE_CHECKING, NoReturn, TypeVar

from reporting_framework.cli.exit_codes import INTERRUPTED

if TYPE_CHECKING:
    import threading

T = TypeVar("T")

POLL_SECONDS = 0.1
"""Longest delay of an interrupt, in seconds."""

_WRITERS = frozenset({io.BufferedWriter, io.BufferedRandom})
_STANDARD = frozenset({1, 2})

_left: list[threading.Thread] = []
"""Threads that still ran after an interrupt; their results are not used."""


def interruptible(action: Callable[[], T]) -> T:
    """Run a read-only action in a thread, so that Ctrl-C takes effect at once.

    polars looks for signals only between the steps of a query, and a step may take
    seconds. After an interrupt the thread runs on; it ends with the process.

    Raises:
        BaseException: The action raised it.
    """
    import threading
    from concurrent.futures import Future, wait

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


def end_process(code: int) -> NoReturn:
    """End the process without freeing the modules, which takes 0.08 s.

    Functions registered with `atexit` are called, as usual. A process with another
    thread that does not end, with a file that was written and not closed, or whose
    output cannot be written, ends as usual. Ctrl-C ends it at once, with the code of
    an interrupt.
    """
    sys.unraisablehook = _unraisable  # Python prints the errors of exit functions
    try:
        _end(code)
    except KeyboardInterrupt:
        end_interrupted()


def end_interrupted() -> NoReturn:
    """End the process at once after Ctrl-C."""
    with suppress(OSError, ValueError, AttributeError):  # a stream is closed, or None
        sys.stdout.flush()
        sys.stderr.write("interrupted\n")
        sys.stderr.flush()
    os._exit(INTERRUPTED)


def _unraisable(unraisable: sys.UnraisableHookArgs) -> None:
    if issubclass(unraisable.exc_type, KeyboardInterrupt):
        end_interrupted()
    sys.__unraisablehook__(unraisable)


def _end(code: int) -> NoReturn:
    if not _threads_left():
        atexit._run_exitfuncs()
        try:
            for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
                if stream is not None:
                    stream.flush()
        except (OSError, ValueError):  # the disk is full, or the stream is closed
            sys.exit(code)
        if not _files_left():
            os._exit(code)
    sys.exit(code)


def _threads_left() -> bool:
    """Return whether Python must wait for threads; most of them are ending already."""
    if (threading := sys.modules.get("threading")) is None:
        return False
    others = [
        thread
        for thread in threading.enumerate()
        if thread is not threading.main_thread() and not thread.daemon
    ]
    end = time.monotonic() + POLL_SECONDS
    for thread in others:
        thread.join(max(0.0, end - time.monotonic()))
    return any(thread.is_alive() for thread in others)


def _files_left() -> bool:
    """Return whether a file is open for writing, so that Python must close it.

    A plugin may rely on that; what is in the file's buffer would be lost.
    """
    objects = gc.get_objects()  # a run leaves over 100,000, so no loop of our own
    writers = compress(objects, map(_WRITERS.__contains__, map(type, objects)))
    return any(map(_is_left, writers))


def _is_left(file: io.BufferedWriter | io.BufferedRandom) -> bool:
    try:
        return not file.closed and file.fileno() not in _STANDARD
    except OSError:  # what is written does not go straight to a file
        return True
    except ValueError:  # detached, so nothing can be written
        return False
