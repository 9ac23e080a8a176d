"""The window of a table: rows by the day of their cursor, whatever its type."""

import re
from datetime import date, timedelta

import pytest

from reporting_framework import NotSupported, PluginError
from tests.framework.plugin_api.table_sources import (
    CURSORS,
    OrdersTable,
    SqliteOrders,
)

DAY = 24 * 60
TICKS = [0, 1, 719, 720, DAY - 1, DAY, DAY + 1, 2 * DAY - 1, 2 * DAY, 3 * DAY, 3 * DAY]
"""Minutes since 2024-01-01, with both sides of each midnight in UTC."""


@pytest.fixture
def place(tmp_path):
    """A table with a row for each tick, and what makes its source."""

    def made(cursor, cls=SqliteOrders, **settings):
        path = tmp_path / "orders.db"
        table = OrdersTable(path, "integer", cursor)
        for number, tick in enumerate(TICKS):
            table.put(number, tick)
        return table, cls(
            cls.Settings(path=path, cursor=cursor, page_rows=2, **settings)
        )

    return made


def listed(source, first, last):
    return sorted(
        (item.key, item.day)
        for page in source.list_window(first, last)
        for item in page
    )


@pytest.mark.parametrize("snapshots", [False, True])
@pytest.mark.parametrize("cursor", sorted(CURSORS.keys() - {"integer", "none"}))
def test_each_row_is_in_the_window_of_its_day_in_utc(place, cursor, snapshots):
    _, source = place(cursor, snapshots=snapshots)
    start = date(2024, 1, 1)
    days = [start + timedelta(days=tick // DAY) for tick in TICKS]
    due = sorted(zip([f"or%2Fders/{n - 3}" for n in range(len(TICKS))], days))  # noqa: B905
    for first in range(-1, 5):
        for last in range(first, 5):
            window = (start + timedelta(days=first), start + timedelta(days=last))
            expected = [row for row in due if window[0] <= row[1] <= window[1]]
            assert listed(source, *window) == expected
    assert listed(source, date.min, date.max) == due


def test_a_row_that_leaves_the_window_meanwhile_is_listed(place):
    table, source = place("time", snapshots=True)
    pages = source.list_window(date(2024, 1, 1), date(2024, 1, 1))
    found = list(next(pages))
    table.put(4, 100 * DAY)  # its page is not read yet
    found += [item for page in pages for item in page]
    assert [item.key for item in found] == [f"or%2Fders/{n - 3}" for n in range(5)]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2024-01-05T23:59:59.9999999Z", date(2024, 1, 5)),
        ("2024-01-05T23:30:00-12:00", date(2024, 1, 6)),
        ("2024-01-05 13:30:00+14:00", date(2024, 1, 4)),
        ("2024-01-05", date(2024, 1, 5)),
        ("2024-01-05, noon", None),
        (None, None),
    ],
)
def test_a_text_is_of_the_day_that_it_says(place, text, day):
    table, source = place("text")
    table.execute("DELETE FROM orders WHERE k0 <> 0")
    table.execute("UPDATE orders SET at = ?", text)
    found = {
        at: listed(source, at, at)
        for at in (date(2024, 1, number) for number in range(1, 10))
    }
    assert {at: rows for at, rows in found.items() if rows} == (
        {day: [("or%2Fders/0", day)]} if day else {}
    )


@pytest.mark.parametrize(
    ("cursor", "found"),
    [
        ("integer", "cursor at is Int64, which has no days"),
        ("none", "it has no cursor"),
    ],
)
def test_a_cursor_without_days_is_refused(place, cursor, found):
    message = (
        f"source test-orders: table or/ders: {found}; a period needs a cursor that is a"
        " time, a date or an ISO 8601 text"
    )
    _, source = place(cursor)
    with pytest.raises(NotSupported, match=re.escape(message)):
        listed(source, date.min, date.max)


def test_a_fetch_that_ignores_after_is_refused(place):
    class Stuck(SqliteOrders):
        def fetch(self, query):
            return super().fetch(query._replace(after=None))

    _, source = place("text", Stuck)
    with pytest.raises(PluginError, match="same page twice; apply TableQuery.after"):
        listed(source, date.min, date.max)
