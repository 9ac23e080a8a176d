"""Source keys of records of a stream that has no key.

A source key is made of the record and of the state that the tap wrote last before it.
So records that are delivered again have the same source keys, and an equal record that
comes later, after another state, has another one. Equal records after one state are
numbered, also if the tap repeats the state. A state that returns after others counts as
another one.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec


class KeylessRecords:
    """Digests of the records of a stream in the order of their arrival.

    Args:
        state: State that the tap was started with.
    """

    def __init__(self, state: Any) -> None:
        self._pending: list[tuple[int, Any]] = []
        self._seen: Counter[str] = Counter()
        self._begun: Counter[bytes] = Counter()
        self._state = b""
        self._begin(state)

    def mark(self, count: int, state: Any) -> None:
        """Record that the tap wrote a state after `count` records of the next batch."""
        self._pending.append((count, state))

    def digests(self, raws: Sequence[msgspec.Raw]) -> list[str]:
        """Return the digest of each record since the last batch."""
        found: list[str] = []
        for end, state in [*self._pending, (len(raws), None)]:
            found += map(self._digest, raws[len(found) : end])
            if state is not None:
                self._begin(state)
        self._pending = []
        return found

    def _begin(self, state: Any) -> None:
        text = json.dumps(state, sort_keys=True)
        begun = hashlib.sha256(text.encode())
        short = begun.digest()[:8]
        if short == self._state:
            return
        self._state = short
        self._begun[short] += 1
        if (number := self._begun[short]) > 1:
            begun.update(f" {number}".encode())
        self._hash = begun
        self._seen.clear()

    def _digest(self, raw: msgspec.Raw) -> str:
        hashed = self._hash.copy()
        hashed.update(raw)
        digest = hashed.hexdigest()[:32]
        self._seen[digest] += 1
        number = self._seen[digest]
        return digest if number == 1 else f"{digest}-{number}"
