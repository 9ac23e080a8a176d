"""How much memory something takes: Python's own to the byte, and the process's where other libraries take it."""

from __future__ import annotations

import gc
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

MEBIBYTE = 1024 * 1024
NOISE = 12 * MEBIBYTE
"""What the memory of a process wanders by, of itself."""

_STATUS = Path("/proc/self/status")


class Peak(NamedTuple):
    """The most that was taken at once beyond what there was before, in bytes.

    Attributes:
        python: Of Python's objects.
        process: Of the process; 0 where the system does not tell (it is not Linux).
    """

    python: int
    process: int


def peak(work: Callable[[], object]) -> Peak:
    """The most memory that `work` takes at once."""
    gc.collect()
    _forget_peak()
    began = _status("VmRSS")
    tracemalloc.start()
    try:
        work()
        python = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    return Peak(python, max(0, _status("VmHWM") - began))


def assert_bounded(small: Peak, large: Peak, data: int, what: str) -> None:
    """Fail when memory grew by more than half of the `data` (bytes) by which the large stream is longer."""
    for grown, noise in ((large.python - small.python, MEBIBYTE // 4), (large.process - small.process, NOISE)):
        more, records = f"{grown / MEBIBYTE:.1f} MiB", f"{data / MEBIBYTE:.1f} MiB"
        assert grown < data / 2 + noise, f"memory is bounded: {what} took {more} more for {records} of records more"


def _forget_peak() -> None:
    if sys.platform == "linux":
        Path("/proc/self/clear_refs").write_text("5")


def _status(name: str) -> int:
    """A number of /proc/self/status, in bytes."""
    if sys.platform != "linux":
        return 0
    lines = dict(line.split(":", 1) for line in _STATUS.read_text().splitlines() if ":" in line)
    return int(lines[name].split()[0]) * 1024
