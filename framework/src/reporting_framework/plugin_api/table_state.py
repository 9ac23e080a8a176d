"""State of a table source: where increments start, and a read that was stopped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple

JSON = Any


class TableRead(NamedTuple):
    """One read of a table, by one run or by several; everything in it is JSON.

    Attributes:
        kind: Whether it covers all rows or those from a floor on.
        began: When it began (ISO 8601).
        cursor: Position from which increments look back once it is done.
        until: Last row that it covers, as values of the order; `None`: it has none.
        floor: Least value of the cursor, of a window.
        after: Rows up to here have been read.
    """

    kind: Literal["full", "window"]
    began: str
    cursor: JSON = None
    until: JSON = None
    floor: JSON = None
    after: JSON = None


class TableState(NamedTuple):
    """What is committed with the rows of a table.

    Attributes:
        table: Name and primary key of the table.
        cursor: Column of the cursor and what its versions are made of; empty if there
            is none.
        position: Position from which increments look back; `None`: none can be read.
        scanned: When the last complete full scan began (ISO 8601); empty if there was
            none.
        no_cursor: Rows without a cursor that the last full scan has read.
        form: Form of the texts of the cursor.
        read: The read that was stopped, as `TableRead`.
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
        """Return the state that was committed, or none if it is of another table.

        A table of the same name is the same one, also if its primary key was another.
        """
        if state is None or list(state.get("table", ()))[:1] != list(table)[:1]:
            return cls(list(table))
        return cls(**{name: state[name] for name in cls._fields if name in state})

    def stopped(self) -> TableRead | None:
        """Return the read that was stopped, `None` if there is none."""
        return None if self.read is None else TableRead(*self.read)

    def full_scan_due(self, days: float | None) -> datetime | None:
        """Return when a full scan is due, `None` if none will be."""
        if days is None or not self.scanned:
            return None
        return datetime.fromisoformat(self.scanned) + timedelta(days=days)
