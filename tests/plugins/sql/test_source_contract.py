"""The source keeps the promises of every table source, on each database."""

from datetime import UTC, datetime, timedelta

import pytest

from reporting_framework.testing import CANARY, CallFaults, TableSourceContract
from reporting_sql.errors import OperationalError
from reporting_sql.source import SqlTable


class Orders:
    """The table behind the source; a tick is a minute."""

    def __init__(self, writer, create, time_form):
        self._writer, self._form = writer, time_form
        writer.run(create)

    def put(self, number, tick):
        at = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=tick)
        row = {
            "id": number,
            "item": f"{CANARY} ü{tick} {'.' * 500}",
            "updated_at": self._form(at),
        }
        self._writer.run(
            f"DELETE FROM orders WHERE id = {number}",
            f"INSERT INTO orders VALUES ({number}, '{row['item']}', '{at.isoformat()}')",
        )
        return f"orders/{number}", row

    def delete(self, number):
        self._writer.run(f"DELETE FROM orders WHERE id = {number}")


class Contract(TableSourceContract):
    plugin = SqlTable
    strict = True
    crowd = 300
    cursor = "updated_at"

    @pytest.fixture
    def settings(self, url):
        cursor = {"cursor": self.cursor} if self.cursor else {}
        return {"url": url, "table": "orders", "infer_deletes": True, **cursor}

    @pytest.fixture
    def faults(self, monkeypatch):
        faults = CallFaults(lambda: OperationalError("XX000"))
        monkeypatch.setattr(SqlTable, "fetch", faults.around(SqlTable.fetch))
        return faults


class TestSqlite(Contract):
    @pytest.fixture
    def url(self, sqlite_url):
        return sqlite_url

    @pytest.fixture
    def table(self, url, writer):
        create = (
            "CREATE TABLE orders (id INTEGER PRIMARY KEY, item TEXT, updated_at TEXT)"
        )
        opened = writer(url)
        opened.rows("PRAGMA journal_mode = WAL")
        return Orders(opened, create, datetime.isoformat)


@pytest.mark.slow
class TestPostgreSql(Contract):
    @pytest.fixture
    def url(self, postgres_url):
        return postgres_url

    @pytest.fixture
    def table(self, url, writer):
        create = (
            "CREATE TABLE orders (id bigint PRIMARY KEY, item text,"
            " updated_at timestamptz)"
        )
        return Orders(writer(url), create, lambda at: at)


@pytest.mark.slow
class TestMySql(Contract):
    @pytest.fixture
    def url(self, mysql_url):
        return mysql_url

    @pytest.fixture
    def table(self, url, writer):
        create = (
            "CREATE TABLE orders (id bigint PRIMARY KEY, item text CHARACTER SET"
            " utf8mb4, updated_at timestamp(6) NULL)"
        )
        opened = writer(url)
        opened.run("SET SESSION sql_mode = ''")  # takes the offset of a time
        return Orders(opened, create, lambda at: at)


@pytest.mark.slow
class TestWithoutCursor(TestSqlite):
    cursor = None
    has_cursor = False
    strict = False
    crowd = 0
