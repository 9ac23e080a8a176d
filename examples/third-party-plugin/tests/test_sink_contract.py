"""The promises of a sink, as the framework's own suite has them, for the sink ``sqlite-table``."""

import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from acme_reporting.sink import SqliteTableSink
from reporting_framework import DELETED_AT, SOURCE_KEY, VERSION
from reporting_framework.testing import CANARY, CallFaults, SinkContract

START = datetime(2024, 1, 1, tzinfo=UTC)
SCHEMA = pl.Schema(
    {
        "number": pl.Int64(),
        'say "hi"': pl.String(),
        "price": pl.Decimal(10, 2),
        "paid": pl.Boolean(),
        "day": pl.Date(),
        "at": pl.Datetime("us", "UTC"),
        SOURCE_KEY: pl.String(),
    }
)


class TestSqliteTableSink(SinkContract):
    plugin = SqliteTableSink
    crowd = 10_000

    @pytest.fixture
    def settings(self, tmp_path):
        return {"path": str(tmp_path / "shop.db"), "table": "orders", "timestamp": "at"}

    @pytest.fixture
    def rows(self):
        return lambda numbers: pl.DataFrame(
            [
                (
                    number,
                    f"{CANARY} ü{number}",
                    Decimal(number) / 4,
                    number % 2 == 0,
                    date(2024, 1, 1) + timedelta(days=number % 1000),
                    START + timedelta(minutes=number),
                    f"{number:06}.json",
                )
                for number in numbers
            ],
            schema=SCHEMA,
            orient="row",
        )

    @pytest.fixture
    def visible(self, settings):
        def read():
            with closing(sqlite3.connect(settings["path"])) as database:
                query = "SELECT 1 FROM sqlite_schema WHERE name = ?"
                if not database.execute(query, [settings["table"]]).fetchall():
                    return pl.DataFrame(schema=SCHEMA)
                found = database.execute(f"SELECT * FROM {settings['table']}")
                names = [column[0] for column in found.description]
                texts = pl.DataFrame(
                    found.fetchall(),
                    schema=names,
                    orient="row",
                    infer_schema_length=None,
                )
            moments = [name for name in ("at", DELETED_AT) if name in names]
            return texts.with_columns(
                pl.col("number").cast(pl.Int64),
                pl.col('say "hi"', SOURCE_KEY).cast(pl.String),
                pl.col("price").cast(pl.Decimal(10, 2)),
                pl.col("paid").cast(pl.Boolean),
                pl.col("day").cast(pl.String).str.to_date("%Y-%m-%d"),
                pl.col(moments)
                .cast(pl.String)
                .str.to_datetime("%+", time_unit="us", time_zone="UTC"),
                *[pl.col(VERSION).cast(pl.String)] * (VERSION in names),
            )

        return read

    @pytest.fixture
    def files(self, settings):
        """Every row of every table, whatever the file's bytes are."""

        def read():
            if not Path(settings["path"]).exists():
                return {}
            with closing(sqlite3.connect(settings["path"])) as database:
                tables = database.execute("SELECT name FROM sqlite_schema").fetchall()
                return {
                    name: repr(
                        sorted(database.execute(f"SELECT * FROM {name}"), key=repr)
                    ).encode()
                    for (name,) in tables
                    if "autoindex" not in name
                }

        return read

    @pytest.fixture
    def clear(self, tmp_path):
        return lambda: [path.unlink() for path in tmp_path.glob("shop.db*")]

    @pytest.fixture
    def faults(self, monkeypatch):
        """Breaks the statements of a sink."""
        faults = CallFaults(lambda: sqlite3.OperationalError("injected"))

        class BrokenCursor(sqlite3.Cursor):
            execute = faults.around(sqlite3.Cursor.execute)
            executemany = faults.around(sqlite3.Cursor.executemany)

        class Broken(sqlite3.Connection):
            def __init__(self, *args, **more):
                super().__init__(*args, **more)
                self.execute(
                    "PRAGMA synchronous = OFF"
                ).close()  # nothing cuts the power

            def cursor(self):
                return super().cursor(BrokenCursor)

        connect = sqlite3.connect
        monkeypatch.setattr(
            "acme_reporting.sink.sqlite3.connect",
            lambda *args, **more: connect(*args, factory=Broken, **more),
        )
        return faults
