"""Window of a table: the rows whose cursor is a time of certain days."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple

import polars as pl

from reporting_framework.errors import NotSupported
from reporting_framework.plugin_api.source import DatedObject
from reporting_framework.plugin_api.table_columns import source_keys
from reporting_framework.plugin_api.table_cursor import (
    Cursor,
    TextForm,
    cursor_of,
    moments_of,
)
from reporting_framework.plugin_api.table_query import TableInfo, TableQuery

_DAY_ONLY = TextForm("", 0)


class TableWindow(NamedTuple):
    """Rows of a table whose cursor is a time of these days, in UTC.

    Attributes:
        info: The table.
        cursor: Its cursor, which has times.
        first: First day.
        last: Last day; it is included.
    """

    info: TableInfo
    cursor: Cursor
    first: date
    last: date

    @classmethod
    def of(cls, source: str, info: TableInfo, first: date, last: date) -> TableWindow:
        """Return the window of a table.

        Raises:
            NotSupported: The table has no cursor, or one of integers.
        """
        cursor = cursor_of(info)
        if cursor is None or cursor.is_integer:
            found = (
                "it has no cursor"
                if cursor is None
                else f"cursor {cursor.column} is {cursor.dtype}, which has no days"
            )
            raise NotSupported(
                f"source {source}: table {info.name}: {found}; a period needs a cursor"
                " that is a time, a date or an ISO 8601 text"
            )
        return cls(info, cursor, first, last)

    def query(self, rows: int, snapshot: Any) -> TableQuery:
        """Return the query of the first page; its rows include all of the window.

        The query reads on to the beginning of the day after the last: a database may
        have finer times than microseconds. Texts are compared by their days alone, and
        an offset from UTC moves a text by up to a day.

        Args:
            rows: Largest number of rows in a page.
            snapshot: Token of the snapshot to read.
        """
        column, dtype = self.cursor.column, self.cursor.dtype
        key = (name for name in self.info.primary_key if name != column)
        order = [column, *key]
        moved = int(isinstance(dtype, pl.String))
        floor = self._bound(self.first, -moved)
        until = self._bound(self.last, moved + int(not isinstance(dtype, pl.Date)))
        return TableQuery(
            order,
            order,
            rows,
            floor=floor,
            until=None if until is None else (until,),
            snapshot=snapshot,
        )

    def dated(self, frame: pl.DataFrame) -> Sequence[DatedObject]:
        """Return those rows of a page that are in the window."""
        column = frame[self.cursor.column]
        days = moments_of(column).dt.date()
        found = pl.DataFrame(
            [
                source_keys(self.info, frame).alias("key"),
                days.alias("day"),
                self.cursor.versions(column).alias("version"),
            ]
        ).filter(pl.col("day").is_between(self.first, self.last))
        return [
            DatedObject(key, None, day, version)
            for key, day, version in found.iter_rows()
        ]

    def _bound(self, day: date, days: int) -> Any:
        """Return the cursor's value some days after a day, `None` if there is none."""
        try:
            moved = day + timedelta(days=days)
        except OverflowError:
            return None
        if moved == date.min:  # databases differ in their first year
            return None
        return self.cursor.value(datetime.combine(moved, time(), UTC), _DAY_ONLY)
