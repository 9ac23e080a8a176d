"""What one run leaves behind for the next, so that it need not look at every key.

Losing it loses no row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple


class Bookmark(NamedTuple):
    """How far all keys have been looked at.

    Attributes:
        table: The file and the table that it is of.
        through: Every row up to this key is accounted for, or None.
        rows: Rows that the sink had then: when it has fewer, someone has put it back.
        listed: When all keys were last looked at (ISO 8601, UTC).
    """

    table: Sequence[str]
    through: int | None = None
    rows: int = 0
    listed: str = ""

    @classmethod
    def of(cls, bookmark: Mapping[str, Any], table: Sequence[str]) -> Bookmark:
        """Return the one that was left, if it is of this table.

        A damaged one counts as none.
        """
        try:
            mark = cls(
                list(bookmark["table"]),
                int(bookmark["through"]),
                int(bookmark["rows"]),
                str(bookmark["listed"]),
            )
        except (KeyError, TypeError, ValueError):
            return cls(table)
        return mark if mark.table == table else cls(table)

    def covers(self, now: datetime, days: float, rows: int) -> bool:
        """Whether only keys above `through` need be looked at.

        Args:
            now: The time (aware, UTC).
            days: For how long the last look at all keys will do.
            rows: Rows that the sink has now.
        """
        try:
            age = now - datetime.fromisoformat(self.listed)
        except (TypeError, ValueError):
            return False
        return (
            self.through is not None
            and timedelta(0) <= age <= timedelta(days=days)
            and rows >= self.rows
        )
