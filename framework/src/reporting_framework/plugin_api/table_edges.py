"""Edges of a read of a table: its last rows, and the ends of splits.

Each edge is the key of one row, in JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import polars as pl

from reporting_framework.plugin_api.table_columns import (
    row_from_json,
    to_json,
    value_from_json,
)
from reporting_framework.plugin_api.table_cursor import (
    Cursor,
    Position,
    is_before,
    moments_of,
)
from reporting_framework.plugin_api.table_query import TableInfo, TableQuery

Row = list[Any]

MAX_CLOCK_SKEW = timedelta(minutes=5)
"""Largest lead of a cursor on the clock; beyond it the cursor counts as wrong."""


WESTERNMOST = timedelta(hours=12)
"""Largest offset of a time zone to the west of UTC."""

CHECKED_ROWS = 50_000
"""Rows whose cursors are checked at once."""


class Newest(NamedTuple):
    """Last row in the order of a cursor.

    Attributes:
        row: Values of the columns of the order, `None` if there is no row.
        position: Position of the cursor from which the next run looks back.
        ahead: Whether the cursor is in the future, or is a text that is not a time.
            `position` is then the position of the last row with a valid cursor, as
            other rows may be before this row.
    """

    row: Row | None
    position: Position | None
    ahead: bool = False


class TableEdges:
    """Lookup of single rows of a table.

    Args:
        info: The table.
        fetch: Function that returns the rows of a query.
    """

    def __init__(
        self, info: TableInfo, fetch: Callable[[TableQuery], pl.DataFrame]
    ) -> None:
        self._schema, self._key, self._fetch = info.schema, info.primary_key, fetch

    def last_key(self) -> Row | None:
        """Return the greatest primary key."""
        return self._row(TableQuery(self._key, self._key, 1, descending=True))

    def newest(self, cursor: Cursor, order: Sequence[str], now: datetime) -> Newest:
        """Return the last row by the cursor."""
        query = TableQuery(order, order, 1, descending=True)
        row = self._row(query)
        position = self._position(cursor, row)
        if row is None or cursor.is_integer:
            return Newest(row, position)
        latest = now + MAX_CLOCK_SKEW
        ahead = position is None or not is_before(position, latest)
        if ahead:
            known = self._row(query._replace(until=(cursor.value(now),)))
            position = self._position(cursor, known)
        if position is not None and not is_before(position, now):
            position = now  # clocks differ, or the order of texts is not that of time
        return Newest(row, position, ahead)

    def further(
        self,
        order: Sequence[str],
        bounds: tuple[Row | None, Row | None, Any],
        rows: int,
    ) -> Row | None:
        """Return the row that is `rows` rows further, `None` if there are fewer.

        Args:
            order: Columns by which rows are ordered.
            bounds: Row after which to count, row up to which to count, and least value
                of the cursor.
            rows: Number of rows.
        """
        after, until, floor = bounds
        query = TableQuery(
            order,
            order,
            1,
            offset=rows - 1,
            after=row_from_json(after, order, self._schema),
            until=row_from_json(until, order, self._schema),
            floor=value_from_json(floor, self._schema[order[0]]),
        )
        return self._row(query)

    def overlooked(
        self, cursor: Cursor, order: Sequence[str], floor: datetime, least: str
    ) -> str | None:
        """Return the least text before `least` that an increment must not leave out.

        Texts of one form have the order of time. A text of a form that no run has read
        may be before `least` though its time is not before the floor. A text that is
        not a time counts too, so that its row is rejected.

        Args:
            cursor: Cursor of texts.
            order: Columns by which rows are ordered, the cursor first.
            floor: Time from which the increment reads.
            least: Text from which the increment reads, by the forms that are known.
        """
        day = (floor - WESTERNMOST).date().isoformat()
        query = TableQuery(order, order, CHECKED_ROWS, floor=day, until=(least,))
        since = floor.replace(tzinfo=None)
        while (frame := self._fetch(query).select(query.order)).height:
            moments = moments_of(frame[cursor.column])
            late = frame.filter(moments.is_null() | (moments >= since))
            if late.height:
                return str(late.row(0)[0])
            query = query._replace(after=frame.row(-1))
        return None

    def _row(self, query: TableQuery) -> Row | None:
        frame = self._fetch(query).select(query.order)
        return [to_json(value) for value in frame.row(0)] if frame.height else None

    def _position(self, cursor: Cursor, row: Row | None) -> Position | None:
        if row is None:
            return None
        return cursor.position(value_from_json(row[0], cursor.dtype))
