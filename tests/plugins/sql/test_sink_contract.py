"""The promises of a sink, as the framework's own suite has them."""

from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest

from reporting_framework import DELETED_AT, SOURCE_KEY, VERSION
from reporting_framework.testing import CANARY, CallFaults, SinkContract
from reporting_sql.dialects.arrow_cursor import ArrowCursor
from reporting_sql.dialects.sqlite import SqliteDialect
from reporting_sql.table_sink import SqlTableSink
from tests.plugins.sql.conftest import Writer

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

COLUMNS_OF_ORDERS = (
    "SELECT column_name FROM information_schema.columns WHERE table_schema = database()"
    " AND table_name = 'orders' ORDER BY ordinal_position"
)


class InjectedError(Exception):
    """Error of a driver."""


class OperationalError(InjectedError):
    """Error of a driver, by the name of PEP 249."""


def rows_of(numbers):
    return pl.DataFrame(
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


class TableContract(SinkContract):
    plugin = SqlTableSink
    crowd = 100_000

    @pytest.fixture
    def url(self, sqlite_url):
        return sqlite_url

    @pytest.fixture
    def settings(self, url):
        return {"url": url, "table": "orders", "timestamp": "at"}

    @pytest.fixture
    def rows(self):
        return rows_of

    @pytest.fixture
    def visible(self, url):
        def read():
            with closing(Writer(url)) as database:
                return self.read_table(database)

        return read

    @pytest.fixture
    def clear(self, url):
        def drop():
            with closing(Writer(url)) as database:
                for table in ("orders", "_reporting_state"):
                    database.run(f"DROP TABLE IF EXISTS {table}")

        return drop


class TestSqlite(TableContract):
    @pytest.fixture(autouse=True)
    def hasty(self, monkeypatch):
        settings = (*SqliteDialect.session, "PRAGMA synchronous = OFF")
        monkeypatch.setattr(
            SqliteDialect, "session", settings
        )  # nothing cuts the power

    def read_table(self, database):
        if not database.rows("SELECT 1 FROM sqlite_schema WHERE name = 'orders'"):
            return pl.DataFrame(schema=SCHEMA)
        names = [
            n for (n,) in database.rows("SELECT name FROM pragma_table_info('orders')")
        ]
        found = pl.DataFrame(
            database.rows("SELECT * FROM orders"),
            schema=names,
            orient="row",
            infer_schema_length=None,
        )
        moments = [name for name in ("at", DELETED_AT) if name in names]
        return found.with_columns(
            pl.col("number").cast(pl.Int64),
            pl.col('say "hi"', SOURCE_KEY).cast(pl.String),
            pl.col("price").cast(pl.String).cast(pl.Decimal(10, 2)),
            pl.col("paid").cast(pl.Boolean),
            pl.col("day").cast(pl.String).str.to_date("%Y-%m-%d"),
            pl.col(moments)
            .cast(pl.String)
            .str.to_datetime("%+", time_unit="us", time_zone="UTC"),
            *[pl.col(VERSION).cast(pl.String)] * (VERSION in names),
        )


@pytest.mark.slow
class TestPostgres(TableContract):
    @pytest.fixture
    def url(self, postgres_url):
        return postgres_url

    def read_table(self, database):
        listed = database.rows(
            "SELECT attname::text FROM pg_attribute WHERE attrelid = to_regclass('orders')"
            " AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
        )
        names = [name for (name,) in listed]
        if not names:
            return pl.DataFrame(schema=SCHEMA)
        values = [
            f'"{name}"::text'
            if name == "price"
            else '"' + name.replace('"', '""') + '"'
            for name in names
        ]
        types = {**SCHEMA, VERSION: pl.String(), DELETED_AT: SCHEMA["at"]}
        found = database.rows(f"SELECT {', '.join(values)} FROM orders")
        schema = {
            name: pl.String() if name == "price" else types[name] for name in names
        }
        frame = pl.DataFrame(found, schema=schema, orient="row")
        return frame.with_columns(pl.col("price").cast(types["price"]))


@pytest.mark.slow
class TestMariaDb(TableContract):
    """A new table is there before its first rows; the rows are one step."""

    @pytest.fixture
    def url(self, mysql_url):
        return mysql_url

    def read_table(self, database):
        names = [name for (name,) in database.rows(COLUMNS_OF_ORDERS)]
        if not names:
            return pl.DataFrame(schema=SCHEMA)
        listed = ", ".join(f"`{name}`" for name in names)
        types = {**SCHEMA, VERSION: pl.String(), DELETED_AT: SCHEMA["at"]}
        found = pl.DataFrame(
            database.rows(f"SELECT {listed} FROM orders"),
            schema=names,
            orient="row",
            infer_schema_length=None,
        )
        moments = [name for name in ("at", DELETED_AT) if name in names]
        return found.with_columns(
            pl.col(moments).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
        ).select(pl.col(name).cast(types[name]) for name in names)


class Faults:
    @pytest.fixture
    def faults(self, monkeypatch):
        """Breaks the statements of a sink."""
        faults = CallFaults(lambda: OperationalError("injected"))
        for name in ("execute", "fetchall", "ingest"):
            usual = getattr(ArrowCursor, name)
            monkeypatch.setattr(ArrowCursor, name, faults.around(usual))
        return faults


@pytest.mark.slow
class TestSqliteFaults(Faults, TestSqlite):
    pass


@pytest.mark.slow
class TestPostgresFaults(Faults, TestPostgres):
    pass
