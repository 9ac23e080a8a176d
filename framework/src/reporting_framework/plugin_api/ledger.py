"""Ledgers that a run plans from: the objects that sinks already have."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import (
    TYPE_CHECKING,
    Any,
    Protocol,
    runtime_checkable,
)

if TYPE_CHECKING:
    from datetime import datetime


class Ledger(Protocol):
    """Set of the objects that one sink, or a run as a whole, has already taken."""

    @property
    def rows(self) -> int:
        """Number of rows that the ledger has; 0 if nothing has been taken yet."""
        ...

    @property
    def newest(self) -> datetime | None:
        """Newest timestamp that the ledger has (aware, UTC), or `None`."""
        ...

    def filter_new(self, objects: Sequence[str]) -> list[str]:
        """Return the `objects` that the ledger does not have, in the order given.

        The objects are keys relative to the source.
        """
        ...


class RunLedger(Protocol):
    """Ledger that a source plans from: all sinks' ledgers and the quarantine's."""

    @property
    def rows(self) -> int:
        """Number of rows in the sink with the fewest; 0 if nothing was taken yet."""
        ...

    @property
    def newest(self) -> datetime | None:
        """Newest timestamp that every sink has, or None."""
        ...

    def newest_until(self, moment: datetime) -> datetime | None:
        """Return the newest timestamp up to `moment` that every sink has.

        Returns `None` if a sink has none, or cannot look it up. A source needs this if
        `newest` is in the future: one such record does not show which others were read.
        """
        ...

    @property
    def state(self) -> Mapping[str, Any] | None:
        """State that was committed with the rows of the sink furthest behind.

        `None`: there is no state, and all records of the source are new.
        """
        ...

    @property
    def hints(self) -> Mapping[str, Any]:
        """Hints that the source returned at the end of the last run (JSON types).

        They may be empty at any time.
        """
        ...

    def filter_new(
        self, objects: Sequence[str], version_of: Callable[[str], str | None]
    ) -> list[str]:
        """Return the `objects` that must be read, in the order given.

        An object is left out if every sink has it, or if the quarantine has it in the
        version that `version_of` returns. `version_of` is called only for objects in
        quarantine.
        """
        ...


@runtime_checkable
class DatedLedger(Protocol):
    """Optional method of a ledger, for a newest timestamp that is in the future.

    Without the method, sources then list everything.
    """

    def newest_until(self, moment: datetime) -> datetime | None:
        """Return the newest timestamp up to `moment` (aware, UTC), or `None`.

        It should not read all rows.
        """
        ...
