"""The promises of every table source, with a table of our own."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from reporting_framework import StorageUnavailable, TableQuery
from reporting_framework.testing import CANARY, CallFaults, Faults, TableSourceContract

from {{ cookiecutter.__package }}.table_source import SqliteRows


class Orders:
    """The table behind the source. A tick of the suite is a minute."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._execute("CREATE TABLE orders (id INTEGER PRIMARY KEY, item, changed)")

    def put(self, number: int, tick: int) -> tuple[str, Mapping[str, Any]]:
        changed = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=tick)
        row = {"id": number, "item": f"{CANARY} {tick}", "changed": f"{changed:%Y-%m-%dT%H:%M:%SZ}"}
        self._execute("REPLACE INTO orders VALUES (?, ?, ?)", *row.values())
        return f"orders/{number}", row

    def delete(self, number: int) -> None:
        self._execute("DELETE FROM orders WHERE id = ?", number)

    def _execute(self, text: str, *values: Any) -> None:
        with closing(sqlite3.connect(self.path)) as database, database:
            database.execute(text, values)


class TestSqliteRows(TableSourceContract):
    plugin = SqliteRows
    strict = True
    crowd = 500

    @pytest.fixture
    def settings(self, tmp_path: Path) -> Mapping[str, Any]:
        return {"path": str(tmp_path / "shop.db")}

    @pytest.fixture
    def table(self, settings: Mapping[str, Any]) -> Orders:
        return Orders(settings["path"])

    @pytest.fixture
    def faults(self, monkeypatch: pytest.MonkeyPatch) -> Faults:
        faults = CallFaults()
        monkeypatch.setattr(SqliteRows, "fetch", faults.around(SqliteRows.fetch))
        return faults


def test_a_file_that_is_missing_is_not_made(tmp_path: Path) -> None:
    source = SqliteRows(SqliteRows.Settings(path=str(tmp_path / "shop.db")))
    with pytest.raises(StorageUnavailable, match="SQLITE_CANTOPEN; check path"):
        source.fetch(TableQuery(["id"], ["id"], limit=1))
    assert list(tmp_path.iterdir()) == []
