"""The promises of the roles, as the framework's own suites have them."""

import json
import sqlite3
from contextlib import closing

import pytest

from acme_reporting import webhook
from acme_reporting.source import SqliteTable
from reporting_framework.testing import CANARY, ObserverContract, SourceContract


class TestSqliteTable(SourceContract):
    plugin = SqliteTable

    @pytest.fixture
    def path(self, tmp_path):
        path = tmp_path / "shop.db"
        with closing(sqlite3.connect(path)) as database:
            database.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, item TEXT, price REAL, picture BLOB)")
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


class TestWebhook(ObserverContract):
    plugin = webhook


def insert(path, number):
    """Put a row in; its origin, and what must come out."""
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("INSERT INTO orders VALUES (?, ?, ?, ?)", (number, f"{CANARY} ü{number}", 1.5, b"\x00\xff"))
    record = {"id": number, "item": f"{CANARY} ü{number}", "price": 1.5, "picture": "AP8="}
    return f"orders/{number}", json.dumps(record, ensure_ascii=False).encode()
