"""Measurement of memory: Python's objects exactly, and the whole process.

The process's memory includes the memory of other libraries.
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
"""Random variation of a process's memory, in bytes."""

_EVERY = 0.002
"""Seconds between two measurements of the process's memory."""


class Peak(NamedTuple):
    """Peak memory above the level before, in bytes.

    Attributes:
        python: Memory of Python's objects.
        process: Memory of the process without mapped files; 0 if the system does not
            report it (only Linux does).
    """

    python: int
    process: int


def peak(work: Callable[[], object]) -> Peak:
    """Return the peak memory of `work`."""
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
    """Fail if memory grew by more than half of `data`.

    `data` is the number of bytes by which the large stream is longer.
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

    A clone would share memory; with a copy, rows that are kept show up.
    """
    return frame.reverse().with_columns(pl.col(pl.String) + "")


def _resident() -> int:
    """Return the anonymous memory of the process, in bytes."""
    if sys.platform != "linux":
        return 0
    text = Path("/proc/self/status").read_text()
    return int(text.partition("RssAnon:")[2].split(maxsplit=1)[0]) * 1024
