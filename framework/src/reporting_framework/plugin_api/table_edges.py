"""Edges of what a run reads of a table: its last rows, and where splits end.

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
from reporting_framework.plugin_api.table_cursor import Cursor, Position, is_before
from reporting_framework.plugin_api.table_query import TableInfo, TableQuery

Row = list[Any]

MAX_CLOCK_SKEW = timedelta(minutes=5)
"""How far ahead of the clock a cursor may be before it counts as wrong."""


class Newest(NamedTuple):
    """The last row by a cursor.

    Attributes:
        row: Its values of the order, `None` if there is no row.
        position: Position of the cursor from which the next run looks back.
        ahead: Whether it is in the future, or a text that is not a time. Such a row
            says nothing of where other rows are, so the position is that of the last
            row that is neither.
    """

    row: Row | None
    position: Position | None
    ahead: bool = False


class TableEdges:
    """Looks up single rows of a table.

    Args:
        info: The table.
        fetch: Returns the rows of a query.
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
        """Return the row that is so many rows further, `None` if there are fewer.

        Args:
            order: Columns by which rows are ordered.
            bounds: After which row, until which row, and the least value of the cursor.
            rows: How many rows.
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

    def _row(self, query: TableQuery) -> Row | None:
        frame = self._fetch(query).select(query.order)
        return [to_json(value) for value in frame.row(0)] if frame.height else None

    def _position(self, cursor: Cursor, row: Row | None) -> Position | None:
        if row is None:
            return None
        return cursor.position(value_from_json(row[0], cursor.dtype))
