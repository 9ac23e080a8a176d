"""Cache of lookup results in the memory of an execution environment."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Hashable, Iterable, Mapping
from typing import Any

_caches: dict[Hashable, Cache] = {}
_lock = threading.Lock()


class Cache:
    """Thread-safe cache that keeps the most recently used values, each for its time.

    It uses the wall clock, as the other clocks stand still while Lambda freezes a
    process.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[Hashable, tuple[float, Any]] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, keys: Iterable[Hashable]) -> dict[Any, Any]:
        """Return the cached values of those keys that are in the cache."""
        now, items = _now(), {}
        with self._lock:
            for key in keys:
                until, value = self._kept.get(key, (0.0, None))
                if until > now:
                    self._kept.move_to_end(key)
                    items[key] = value
                elif until:
                    del self._kept[key]
        return items

    def keep(self, values: Mapping[Any, Any], seconds: float) -> None:
        """Store values; remove the least recently used if there are too many."""
        if seconds <= 0 or not self._most:
            return
        until = _now() + seconds
        with self._lock:
            for key, value in values.items():
                self._kept[key] = (until, value)
                self._kept.move_to_end(key)
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)


def cache(identity: Hashable, most: int) -> Cache:
    """Return this process's cache for an identity, such as a table with its columns."""
    with _lock:
        return _caches.setdefault((identity, most), Cache(most))


_now = time.time
