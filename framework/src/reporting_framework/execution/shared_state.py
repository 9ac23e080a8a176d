"""State of a source that reads its streams together: one position, kept per stream.

Each stream commits the position with its own rows, and a stream whose commit failed is
behind the others. So a stream keeps two positions, and has all records up to both: the
position at which the reading began (``start``), and that at which it ended (``state``).
The framework knows no order of positions. The next reading begins at a position that
all streams keep: no record is lost, and what only some streams have is delivered again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from reporting_framework.execution.progress import least

if TYPE_CHECKING:
    from datetime import datetime

    from reporting_framework.plugin_api.ledger import RunLedger

State = Mapping[str, Any]


def common_start(known: Sequence[State | None]) -> State | None:
    """Return the position that all streams have reached, `None`: the beginning.

    Args:
        known: State that each stream has committed, `None` if it has none.
    """
    if any(each is None for each in known):
        return None
    kept = [(each["state"], each["start"]) for each in known if each]
    candidates = [*(state for state, _ in kept), *(start for _, start in kept)]
    common = (each for each in candidates if all(each in both for both in kept))
    return next(common, None)


def following_state(
    known: State | None, start: State | None, end: State | None
) -> State | None:
    """Return the state that a stream commits, `None` to keep the present state.

    Args:
        known: State that the stream has committed.
        start: Position at which the reading began.
        end: Position at which it ended, `None` if the source has returned none.
    """
    if end is None or (known is not None and known["state"] == end):
        return None
    return {"start": start, "state": end}


class SharedLedger:
    """Ledger that a reading for several streams plans from, see `RunLedger`.

    Args:
        ledgers: Ledger of each stream.
    """

    hints: Mapping[str, Any] = {}

    def __init__(self, ledgers: Sequence[RunLedger]) -> None:
        self._ledgers = ledgers
        self.state = common_start([ledger.state for ledger in ledgers])

    @property
    def rows(self) -> int:
        """See `RunLedger.rows`."""
        return min(ledger.rows for ledger in self._ledgers)

    @property
    def newest(self) -> datetime | None:
        """See `RunLedger.newest`."""
        return least([ledger.newest for ledger in self._ledgers])

    def newest_until(self, moment: datetime) -> datetime | None:
        """See `RunLedger.newest_until`."""
        return least([ledger.newest_until(moment) for ledger in self._ledgers])

    def filter_new(
        self, objects: Sequence[str], version_of: Callable[[str], str | None]
    ) -> list[str]:
        """Return the objects that are new to any of the streams."""
        new = {
            key
            for ledger in self._ledgers
            for key in ledger.filter_new(objects, version_of)
        }
        return [key for key in objects if key in new]
