"""The promises of the roles, as the framework's own suites have them."""

import json
import sqlite3
from contextlib import closing
from functools import partial

import pytest

from acme_reporting import webhook
from acme_reporting.source import SqliteTable
from reporting_framework.testing import (
    CANARY,
    CallFaults,
    ObserverContract,
    SourceContract,
)


class TestSqliteTable(SourceContract):
    plugin = SqliteTable
    crowd = 1_500

    @pytest.fixture
    def path(self, tmp_path):
        path = tmp_path / "shop.db"
        with closing(sqlite3.connect(path)) as database:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute(
                "CREATE TABLE orders (id INTEGER PRIMARY KEY, item TEXT, price REAL, picture BLOB)"
            )
        return path

    @pytest.fixture
    def settings(self, path):
        return {"path": str(path), "table": "orders"}

    @pytest.fixture
    def records(self, path):
        return dict(insert(path, number) for number in (-3, 1, 2, 40, 1_000_000))

    @pytest.fixture
    def add(self, path):
        return lambda number: insert(path, 2_000_000 + number)

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


class TestWebhook(ObserverContract):
    @pytest.fixture
    def observer(self, posted):
        yield webhook
        assert not [body for body in posted if CANARY in json.dumps(body)]

    def test_it_was_told_and_said_so(self, observer, posted):
        self.test_it_does_not_raise(observer, "mixed")
        assert [body["status"] for body in posted] == ["ok", "ok"]


def insert(path, number):
    """Put a row in; its source key, and what must come out."""
    item = f"{CANARY} ü{number} {'.' * 500}"
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("PRAGMA synchronous = OFF")
        database.execute(
            "INSERT INTO orders VALUES (?, ?, ?, ?)", (number, item, 1.5, b"\x00\xff")
        )
    record = {"id": number, "item": item, "price": 1.5, "picture": "AP8="}
    return f"orders/{number}", json.dumps(record, ensure_ascii=False).encode()
