"""What becomes of fields that a model does not declare: counted by name, or kept as JSON."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

OTHER = "(other)"
"""Stands for names that are not told: odd ones, which may be data, and those beyond `NAMES_KEPT`."""

NAMES_KEPT = 100
"""How many names are counted apart in a batch, the most frequent ones."""

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}\Z")


class IgnoredFields:
    """Counts the fields that were left out of a batch's records."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def add(self, names: Iterable[str]) -> None:
        """Count one record's unknown fields."""
        for name in names:
            self._counts[name] = self._counts.get(name, 0) + 1

    def told(self) -> Mapping[str, int]:
        """The counts by name, as far as names may be told."""
        plain = {name: count for name, count in self._counts.items() if _IDENTIFIER.match(name)}
        kept = dict(sorted(plain.items(), key=lambda item: (-item[1], item[0]))[:NAMES_KEPT])
        others = sum(self._counts.values()) - sum(kept.values())
        return {**kept, OTHER: others} if others else kept
