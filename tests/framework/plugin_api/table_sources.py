"""A table source on SQLite, of any key and cursor, and the table behind it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import ConfigDict

from reporting_framework import TableInfo, TableSettings, TableSource

START = datetime(2024, 1, 1, tzinfo=UTC)
UTC_TIME = pl.Datetime("us", "UTC")


def _text(form: str):
    def written(tick: int) -> str:
        moment = START + timedelta(minutes=tick)
        if form.endswith("+02:00"):
            moment += timedelta(hours=2)
        if form.endswith("-05:30"):
            moment -= timedelta(hours=5, minutes=30)
        return moment.strftime(form)

    return written


def _moment(tick: int) -> datetime:
    return START + timedelta(minutes=tick)


CURSORS = {
    "integer": (pl.Int64(), lambda tick: 60 * tick - 50),
    "time": (UTC_TIME, _moment),
    "time without a zone": (
        pl.Datetime("ms"),
        lambda tick: _moment(tick).replace(tzinfo=None),
    ),
    "day": (pl.Date(), lambda tick: _moment(tick).date()),
    "text": (pl.String(), _text("%Y-%m-%dT%H:%M:%SZ")),
    "text with a space": (pl.String(), _text("%Y-%m-%d %H:%M:%S")),
    "text with fractions": (pl.String(), _text("%Y-%m-%dT%H:%M:%S.%f+00:00")),
    "text of the east": (pl.String(), _text("%Y-%m-%dT%H:%M+02:00")),
    "text of the west": (pl.String(), _text("%Y-%m-%dT%H:%M:%S-05:30")),
    "text of a day": (pl.String(), _text("%Y-%m-%d")),
    "none": (None, None),
}
"""Type of the cursor, and its value at a tick; a tick is a minute, or sixty."""

KEYS = {
    "integer": ([pl.Int64()], lambda n: (n - 3,)),
    "text": (
        [pl.String()],
        lambda n: (("", "a", "a/b", "a%2Fb", "é#1", "Z")[n % 6] + str(n),),
    ),
    "bytes": ([pl.Binary()], lambda n: (bytes([n, 255 - n]),)),
    "time": ([UTC_TIME], lambda n: (START + timedelta(microseconds=n),)),
    "day and text": (
        [pl.Date(), pl.String()],
        lambda n: (date(2024, 1, 1 + n % 3), f"{n}/"),
    ),
    "two integers": ([pl.Int32(), pl.Int64()], lambda n: (n % 3, n)),
}
"""Types of the key, and its values for a number."""


class SqliteSettings(TableSettings):
    model_config = ConfigDict(arbitrary_types_allowed=True)

    path: Path = Path()
    key: str = "integer"
    cursor: str = "integer"
    snapshots: bool = False
    lookback: int | timedelta | None = timedelta(minutes=60)


def to_sql(value: Any) -> Any:
    """A value as SQLite keeps it here."""
    if isinstance(value, datetime):
        moment = value.replace(tzinfo=UTC) if value.tzinfo is None else value
        return round((moment - START).total_seconds() * 1_000_000)
    return value.toordinal() if isinstance(value, date) else value


class SqliteOrders(TableSource):
    """Rows of a table; times are microseconds there, days are ordinals."""

    name = "test-orders"
    Settings = SqliteSettings

    def table_info(self):
        types = KEYS[self.settings.key][0]
        key = {f"k{number}": dtype for number, dtype in enumerate(types)}
        dtype = CURSORS[self.settings.cursor][0]
        cursor = {} if dtype is None else {"at": dtype}
        schema = pl.Schema({"note": pl.String(), **key, **cursor})
        return TableInfo("or/ders", list(key), schema, "at" if cursor else None)

    def fetch(self, query):
        text, values = query.select("orders")
        path = query.snapshot or self.settings.path
        with closing(sqlite3.connect(path)) as database:
            rows = database.execute(text, list(map(to_sql, values))).fetchall()
        schema = self.info.schema
        columns = list(zip(*rows, strict=True)) or [()] * len(query.columns)
        return pl.DataFrame(
            [
                _column(name, values, schema[name])
                for name, values in zip(query.columns, columns, strict=True)
            ]
        )

    def open_snapshot(self):
        if not self.settings.snapshots:
            return None
        path = self.settings.path.with_suffix(".copy")
        with (
            closing(sqlite3.connect(self.settings.path)) as database,
            closing(sqlite3.connect(path)) as copy,
        ):
            database.backup(copy)
        return str(path)


def _column(name, values, dtype):
    if isinstance(dtype, pl.Datetime):
        moments = pl.Series(name, values, dtype=pl.Int64) + round(
            START.timestamp() * 1e6
        )
        column = moments.cast(pl.Datetime("us")).cast(pl.Datetime(dtype.time_unit))
        return column.dt.replace_time_zone(dtype.time_zone)
    if isinstance(dtype, pl.Date):
        days = pl.Series(name, values, dtype=pl.Int32) - date(1970, 1, 1).toordinal()
        return days.cast(pl.Date)
    return pl.Series(name, values, dtype=dtype)


class OrdersTable:
    """The table behind it.

    Attributes:
        ticks: Tick of each row that is there, by number.
        past: The same, of rows that were deleted, too.
        last: The greatest tick there ever was.
    """

    def __init__(self, path: Path, key: str = "integer", cursor: str = "integer"):
        self.path, self.key, self.cursor = path, KEYS[key], CURSORS[cursor]
        self.ticks: dict[int, int] = {}
        self.notes: dict[int, str] = {}
        self.past: dict[int, int] = {}
        self.last = 0
        self._count = 0
        columns = [f"k{number}" for number in range(len(self.key[0]))]
        keyed = ", ".join(columns)
        at = "" if self.cursor[0] is None else ", at"
        self.execute(f"CREATE TABLE orders (note, {keyed}{at}, PRIMARY KEY ({keyed}))")

    def execute(self, text, *values):
        with closing(sqlite3.connect(self.path)) as database, database:
            database.execute("PRAGMA synchronous = OFF")
            database.execute(text, values)

    def put(self, number: int, tick: int) -> None:
        """Insert or update a row."""
        self._count += 1
        self.notes[number], self.ticks[number] = self.note(), tick
        self.past[number] = tick
        self.last = max(self.last, tick)
        cursor = [] if self.cursor[0] is None else [self.cursor[1](tick)]
        values = [self.notes[number], *self.key[1](number), *cursor]
        marks = ", ".join("?" * len(values))
        self.execute(f"REPLACE INTO orders VALUES ({marks})", *map(to_sql, values))

    def note(self) -> str:
        return f"n{self._count}"

    def delete(self, number: int) -> None:
        del self.ticks[number], self.notes[number]
        where = " AND ".join(f"k{at} = ?" for at in range(len(self.key[0])))
        key = map(to_sql, self.key[1](number))
        self.execute(f"DELETE FROM orders WHERE {where}", *key)
