"""The promises of the roles, as the framework's own suites have them."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from acme_reporting import webhook
from acme_reporting.source import SqliteTable
from reporting_framework.testing import (
    CANARY,
    CallFaults,
    ObserverContract,
    TableSourceContract,
)


class Orders:
    """The table behind the source; a tick is a minute."""

    def __init__(self, path):
        self.path = path
        columns = "id INTEGER PRIMARY KEY, item TEXT, price REAL, picture BLOB"
        with closing(sqlite3.connect(path)) as database:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute(f"CREATE TABLE orders ({columns}, updated_at TEXT)")

    def put(self, number, tick):
        at = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=tick)
        row = {
            "id": number,
            "item": f"{CANARY} ü{tick} {'.' * 500}",
            "price": 1.5,
            "picture": b"\x00\xff",
            "updated_at": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        values = tuple(row.values())
        self._execute("REPLACE INTO orders VALUES (?, ?, ?, ?, ?)", values)
        return f"orders/{number}", row

    def delete(self, number):
        self._execute("DELETE FROM orders WHERE id = ?", (number,))

    def _execute(self, text, values):
        with closing(sqlite3.connect(self.path)) as database, database:
            database.execute("PRAGMA synchronous = OFF")
            database.execute(text, values)


class TestSqliteTable(TableSourceContract):
    plugin = SqliteTable
    strict = True
    crowd = 1_500

    @pytest.fixture
    def settings(self, tmp_path):
        path = str(tmp_path / "shop.db")
        return {"path": path, "table": "orders", "cursor": "updated_at"}

    @pytest.fixture
    def table(self, settings):
        return Orders(settings["path"])

    @pytest.fixture
    def faults(self, monkeypatch):
        """Breaks what is asked of a database."""
        faults = CallFaults(lambda: sqlite3.OperationalError("injected"))

        class Broken(sqlite3.Connection):
            execute = faults.around(sqlite3.Connection.execute)

        monkeypatch.setattr(
            sqlite3, "connect", partial(sqlite3.connect, factory=Broken)
        )
        return faults


class TestWithoutCursor(TestSqliteTable):
    has_cursor = False
    crowd = 0
    strict = False

    @pytest.fixture
    def settings(self, tmp_path):
        return {"path": str(tmp_path / "shop.db"), "table": "orders"}


class TestWebhook(ObserverContract):
    @pytest.fixture
    def observer(self, posted):
        yield webhook
        assert not [body for body in posted if CANARY in json.dumps(body)]

    def test_it_was_told_and_said_so(self, observer, posted):
        self.test_it_does_not_raise(observer, "mixed")
        assert [body["status"] for body in posted] == ["ok", "ok"]
