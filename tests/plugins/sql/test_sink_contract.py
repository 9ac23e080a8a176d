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

TYPES = {**SCHEMA, VERSION: pl.String(), DELETED_AT: SCHEMA["at"]}


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


def typed(column):
    """Return the values of a database, or of its driver, in the type of their column."""
    dtype = TYPES[column.name]
    if isinstance(dtype, pl.Datetime):
        if column.dtype in (pl.String, pl.Null):
            return column.cast(pl.String).str.to_datetime("%+", time_zone="UTC")
        return column.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    if isinstance(dtype, pl.Date) and column.dtype == pl.String:
        return column.str.to_date("%Y-%m-%d")
    if isinstance(dtype, pl.Decimal):
        column = column.cast(pl.String)
    return column.cast(dtype)


class TableContract(SinkContract):
    """Promises of a database; `names` is the query of the table's columns."""

    plugin = SqlTableSink
    crowd = 100_000
    names = (
        "SELECT column_name {} FROM information_schema.columns WHERE table_schema = {}"
        " AND table_name = 'orders' ORDER BY ordinal_position"
    )

    def read_table(self, database):
        names = [name for (name,) in database.rows(self.names)]
        if not names:
            return pl.DataFrame(schema=SCHEMA)
        found = database.rows("SELECT * FROM orders")
        frame = pl.DataFrame(found, names, orient="row", infer_schema_length=None)
        return frame.select(map(typed, frame))

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
    names = "SELECT name FROM pragma_table_info('orders')"

    @pytest.fixture(autouse=True)
    def hasty(self, monkeypatch):
        settings = (*SqliteDialect.session, "PRAGMA synchronous = OFF")
        monkeypatch.setattr(
            SqliteDialect, "session", settings
        )  # nothing cuts the power


@pytest.mark.slow
class TestPostgres(TableContract):
    names = TableContract.names.format("::text", "current_schema()")

    @pytest.fixture
    def url(self, postgres_url):
        return postgres_url


@pytest.mark.slow
class TestMariaDb(TableContract):
    """A new table is there before its first rows; the rows are one step."""

    names = TableContract.names.format("", "database()")

    @pytest.fixture
    def url(self, mysql_url):
        return mysql_url


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
