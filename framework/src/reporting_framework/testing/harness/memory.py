"""Measures of how much memory something takes.

They are Python's own to the byte, and the process's where other libraries take it.
"""

from __future__ import annotations

import gc
import sys
import threading
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import polars as pl

MEBIBYTE = 1024 * 1024
NOISE = 12 * MEBIBYTE
"""What the memory of a process wanders by, of itself."""

_EVERY = 0.002
"""Seconds between two looks at the process's memory."""


class Peak(NamedTuple):
    """The most that was taken at once beyond what there was before, in bytes.

    Attributes:
        python: Of Python's objects.
        process: Of the process, mapped files left out; 0 where the system does not tell
            (it is not Linux).
    """

    python: int
    process: int


def peak(work: Callable[[], object]) -> Peak:
    """The most memory that `work` takes at once."""
    gc.collect()
    began = most = _resident()
    done = threading.Event()

    def look() -> None:
        nonlocal most
        while not done.wait(_EVERY):
            most = max(most, _resident())

    looking = threading.Thread(target=look)
    looking.start()
    tracemalloc.start()
    try:
        work()
        python = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        done.set()
        looking.join()
    return Peak(python, max(most, _resident()) - began)


def assert_bounded(small: Peak, large: Peak, data: int, what: str) -> None:
    """Fail when memory grew by more than half of `data`.

    These are the bytes by which the large stream is longer.
    """
    for grown, noise in (
        (large.python - small.python, MEBIBYTE // 4),
        (large.process - small.process, NOISE),
    ):
        more, records = f"{grown / MEBIBYTE:.1f} MiB", f"{data / MEBIBYTE:.1f} MiB"
        assert grown < data / 2 + noise, (
            f"memory is bounded: {what} took {more} more for {records} of records more"
        )


def copied(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the rows, backwards, in memory of their own.

    A mere clone would share memory. With a copy, what is kept of them shows.
    """
    return frame.reverse().with_columns(pl.col(pl.String) + "")


def _resident() -> int:
    """Anonymous memory of the process: what is its own, and of no file."""
    if sys.platform != "linux":
        return 0
    text = Path("/proc/self/status").read_text()
    return int(text.partition("RssAnon:")[2].split(maxsplit=1)[0]) * 1024
