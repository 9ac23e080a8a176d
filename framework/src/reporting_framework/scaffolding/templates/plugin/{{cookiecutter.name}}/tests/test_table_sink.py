"""The promises of every sink, with rows of our own."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from reporting_framework import DELETED_AT, SOURCE_KEY, VERSION
from reporting_framework.testing import CANARY, CallFaults, Faults, SinkContract

from {{ cookiecutter.__package }}.table_sink import SqliteTable

SCHEMA = pl.Schema({"number": pl.Int64, "note": pl.String, SOURCE_KEY: pl.String})


class TestSqliteTable(SinkContract):
    plugin = SqliteTable
    strict = True
    crowd = 10_000

    @pytest.fixture
    def settings(self, tmp_path: Path) -> Mapping[str, Any]:
        return {"path": str(tmp_path / "out.db"), "table": "orders"}

    @pytest.fixture
    def rows(self) -> Callable[[Sequence[int]], pl.DataFrame]:
        return lambda numbers: pl.DataFrame([(n, CANARY, f"{n}.json") for n in numbers], SCHEMA, orient="row")

    @pytest.fixture
    def visible(self, settings: Mapping[str, Any]) -> Callable[[], pl.DataFrame]:
        """Deleted rows too, with their version and the time of the delete."""

        def read() -> pl.DataFrame:
            with closing(sqlite3.connect(settings["path"])) as database:
                found = database.execute("SELECT name FROM pragma_table_info('orders')").fetchall()
                names = [name for (name,) in found]
                rows = database.execute("SELECT * FROM orders").fetchall() if names else []
            schema = pl.Schema({**SCHEMA, VERSION: pl.String(), DELETED_AT: pl.String()})
            frame = pl.DataFrame(rows, pl.Schema({name: schema[name] for name in names or SCHEMA}), orient="row")
            moments = pl.col(DELETED_AT).str.to_datetime("%+", time_unit="us", time_zone="UTC")
            return frame.with_columns(moments) if DELETED_AT in names else frame

        return read

    @pytest.fixture
    def clear(self, tmp_path: Path) -> Callable[[], object]:
        def remove() -> None:
            for path in tmp_path.glob("out.db*"):
                path.unlink()

        return remove

    @pytest.fixture
    def faults(self, monkeypatch: pytest.MonkeyPatch) -> Faults:
        faults = CallFaults(lambda: sqlite3.OperationalError("injected"))

        class Cursor(sqlite3.Cursor):
            execute = faults.around(sqlite3.Cursor.execute)
            executemany = faults.around(sqlite3.Cursor.executemany)

        class Connection(sqlite3.Connection):
            def cursor(self) -> Cursor:  # type: ignore[override]  # of this class alone
                return super().cursor(Cursor)

        monkeypatch.setattr(sqlite3, "connect", partial(sqlite3.connect, factory=Connection))
        return faults
