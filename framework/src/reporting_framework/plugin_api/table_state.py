"""State of a table source: the start of increments, and a read that was stopped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

JSON = Any


class TableRead(NamedTuple):
    """One read of a table, by one run or by several; all fields are JSON values.

    Attributes:
        kind: ``full``: all rows; ``window``: rows from a floor on.
        began: Time at which it began (ISO 8601).
        cursor: Position from which increments look back after this read.
        until: Last row to read, as values of the order; `None`: there are no rows.
        floor: Least value of the cursor in a window.
        after: Last row that was read, as values of the order.
    """

    kind: Literal["full", "window"]
    began: str
    cursor: JSON = None
    until: JSON = None
    floor: JSON = None
    after: JSON = None


class TableState(NamedTuple):
    """State that is committed with the rows of a table.

    Attributes:
        table: Name and primary key of the table.
        cursor: Column and kind of the cursor (`Cursor.label`); empty if there is none.
        position: Position from which increments look back; `None`: no increment is
            possible.
        scanned: Time at which the last complete full scan began (ISO 8601); empty if
            there was none.
        no_cursor: Number of rows without a cursor that the last full scan has read.
        form: Form of the texts of the cursor.
        read: Read that was stopped, as `TableRead`.
    """

    table: Sequence[str]
    cursor: str = ""
    position: JSON = None
    scanned: str = ""
    no_cursor: int = 0
    form: JSON = None
    read: JSON = None

    @classmethod
    def of(cls, state: Mapping[str, Any] | None, table: Sequence[str]) -> TableState:
        """Return the committed state, or an empty state if it is of another table.

        A table with the same name counts as the same table, even if its primary key has
        changed.
        """
        if state is None or list(state.get("table", ()))[:1] != list(table)[:1]:
            return cls(list(table))
        return cls(**{name: state[name] for name in cls._fields if name in state})

    def stopped(self) -> TableRead | None:
        """Return the read that was stopped, `None` if there is none."""
        return None if self.read is None else TableRead(*self.read)

    def full_scan_due(self, days: float | None) -> datetime | None:
        """Return the time at which a full scan is due, `None` if none will be."""
        if days is None or not self.scanned:
            return None
        return datetime.fromisoformat(self.scanned) + timedelta(days=days)
