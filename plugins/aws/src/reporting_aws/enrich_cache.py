"""What was looked up, kept for a while in the memory of an execution environment."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Hashable, Iterable, Mapping
from typing import Any

_caches: dict[Hashable, Cache] = {}
_lock = threading.Lock()


class Cache:
    """Keeps the newest used of what is given to it, each for its time.

    It may be used by several threads.

    The time is the clock's on the wall, as the others stand still while Lambda freezes
    a process.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[Hashable, tuple[float, Any]] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, keys: Iterable[Hashable]) -> dict[Any, Any]:
        """Those of the keys that are kept, with what is kept for them."""
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
        """Keep values; what was not used for longest makes room."""
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
    """The cache of this process for an identity: for what is looked up where."""
    with _lock:
        return _caches.setdefault((identity, most), Cache(most))


_now = time.time
