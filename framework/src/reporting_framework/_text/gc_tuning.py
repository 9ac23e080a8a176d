"""Python's cyclic garbage collector, told what kind of program this is."""

from __future__ import annotations

import gc


def tune_gc() -> None:
    """Let it look for cycles less often.

    Records come by the ten thousand and are in no cycle: looking through them takes a
    twentieth of a run's time. For programs alone, which own their process; a library
    leaves it as it is.
    """
    gc.set_threshold(20_000, 50, 100)
