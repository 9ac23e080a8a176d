"""The ledgers that a run plans from: what sinks have already."""

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
    """Set of the objects already accounted for.

    It is as far as one sink, or a run as a whole, knows.
    """

    @property
    def rows(self) -> int:
        """Number of rows that the ledger knows.

        0 means that nothing has been taken yet.
        """
        ...

    @property
    def newest(self) -> datetime | None:
        """Newest timestamp accounted for (aware, UTC), or None."""
        ...

    def filter_new(self, objects: Sequence[str]) -> list[str]:
        """Return those of `objects` that are not accounted for, in the order given.

        The objects are keys relative to the source.
        """
        ...


class RunLedger(Protocol):
    """What a source plans from: all sinks' ledgers and the quarantine's together."""

    @property
    def rows(self) -> int:
        """Number of rows in the sink that holds least.

        0 means that nothing has been taken yet.
        """
        ...

    @property
    def newest(self) -> datetime | None:
        """Newest timestamp that every sink has, or None."""
        ...

    def newest_until(self, moment: datetime) -> datetime | None:
        """Return the newest timestamp up to `moment` that every sink has.

        `None` if one cannot tell or has none.

        One record from the future says nothing of what came in before it.
        """
        ...

    @property
    def state(self) -> Mapping[str, Any] | None:
        """State that was committed with the rows of the sink furthest behind.

        `None`: there is none, and all that the source has is new.
        """
        ...

    @property
    def hints(self) -> Mapping[str, Any]:
        """What the source left behind at the end of the last run (JSON types).

        It may be empty at any time.
        """
        ...

    def filter_new(
        self, objects: Sequence[str], version_of: Callable[[str], str | None]
    ) -> list[str]:
        """Those of `objects` that must be read, in the order given.

        An object is left out when every sink has it, or when it is in quarantine in the
        very version that `version_of` tells. `version_of` is called only for objects
        that are in quarantine.
        """
        ...


@runtime_checkable
class DatedLedger(Protocol):
    """Method of a ledger that can look behind a newest timestamp that is in the future.

    Without it, all is listed.
    """

    def newest_until(self, moment: datetime) -> datetime | None:
        """Return the newest timestamp up to `moment` (aware, UTC), or `None`.

        It should not read all rows.
        """
        ...
