"""The suite of table sources holds for a table on SQLite, with a snapshot and without a cursor."""

import pytest

from reporting_framework.testing import CANARY, CallFaults, TableSourceContract
from tests.framework.plugin_api.table_sources import OrdersTable, SqliteOrders


class Table(OrdersTable):
    """As `testing.contracts.table_source.Table` says."""

    def put(self, number, tick):
        super().put(number, tick)
        key, at = self.key[1](number)[0], self.cursor
        cursor = {} if at[0] is None else {"at": at[1](tick)}
        return f"or%2Fders/{key}", {"note": self.notes[number], "k0": key, **cursor}

    def note(self):
        return f"{CANARY} {super().note()}"


class TestSqlite(TableSourceContract):
    plugin = SqliteOrders
    cursor = "time"
    strict = True
    crowd = 300

    @pytest.fixture
    def settings(self, tmp_path):
        path = tmp_path / "orders.db"
        return {"path": path, "cursor": self.cursor, "snapshots": True}

    @pytest.fixture
    def faults(self, monkeypatch):
        faults = CallFaults()
        monkeypatch.setattr(SqliteOrders, "fetch", faults.around(SqliteOrders.fetch))
        return faults

    @pytest.fixture
    def table(self, settings):
        return Table(settings["path"], cursor=self.cursor)


@pytest.mark.slow
class TestIntegers(TestSqlite):
    cursor = "integer"


@pytest.mark.slow
class TestTexts(TestSqlite):
    cursor = "text"


@pytest.mark.slow
class TestWithoutCursor(TestSqlite):
    cursor = "none"
    strict = False
    has_cursor = False
