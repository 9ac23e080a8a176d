"""Ledger that knows the objects that a test gives it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any


class KnownObjects:
    """Implementation of `RunLedger` and `Ledger` with exactly these objects.

    Attributes:
        asked: All objects passed to `filter_new`.
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
        """Number of known objects."""
        return len(self._known)

    def newest_until(self, moment: datetime) -> datetime | None:
        """See `RunLedger.newest_until`."""
        return None

    def filter_new(
        self,
        objects: Sequence[str],
        version_of: Callable[[str], str | None] | None = None,
    ) -> list[str]:
        """Return the unknown objects, in the given order."""
        self.asked += objects
        return [name for name in objects if name not in self._known]
