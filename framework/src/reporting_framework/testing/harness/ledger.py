"""A ledger that knows what a test tells it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any


class KnownObjects:
    """See `RunLedger` and `Ledger`: it has these objects and no others.

    Attributes:
        asked: All objects that it was asked for.
        state: The committed source state.
    """

    newest = None

    def __init__(
        self,
        known: Iterable[str] = (),
        hints: Mapping[str, Any] | None = None,
        state: Mapping[str, Any] | None = None,
    ) -> None:
        self.state = state
        self._known = frozenset(known)
        self.hints: Mapping[str, Any] = hints or {}
        self.asked: list[str] = []

    @property
    def rows(self) -> int:
        """How many it has."""
        return len(self._known)

    def newest_until(self, moment: datetime) -> datetime | None:
        """See `RunLedger.newest_until`."""
        return None

    def filter_new(
        self,
        objects: Sequence[str],
        version_of: Callable[[str], str | None] | None = None,
    ) -> list[str]:
        """Those that it has not, in the order given."""
        self.asked += objects
        return [name for name in objects if name not in self._known]
