"""Tuning of Python's cyclic garbage collector."""

from __future__ import annotations

import gc


def tune_gc() -> None:
    """Make the collector look for cycles less often.

    A run holds tens of thousands of records and no cycles, so looking for them takes a
    twentieth of its time. Only programs, which own their process, should call this; a
    library should not.
    """
    gc.set_threshold(20_000, 50, 100)
