"""Faults of a server: nothing is lost or doubled, and an error says what to do."""

import logging
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import unquote

import polars as pl
import pytest

from reporting_framework import (
    AccessDenied,
    LocationError,
    SettingsError,
    StorageUnavailable,
)
from reporting_framework.testing.harness.ledger import KnownObjects
from reporting_framework.testing.harness.source_harness import planned
from reporting_sql.databases import database_of
from reporting_sql.errors import OperationalError, is_lost
from reporting_sql.postgresql import PostgreSql
from reporting_sql.source import SqlTable
from reporting_sql.table_sink import SqlTableSink
from reporting_sql.urls import parse_url
from tests.support import tcp_proxy

pytestmark = pytest.mark.slow

ROWS = 20_000


@pytest.fixture
def orders(postgres_url, writer):
    """A table of 20,000 rows, about 4 MB."""
    opened = writer(postgres_url)
    opened.run(
        "CREATE TABLE orders (id int PRIMARY KEY, item text, updated_at timestamptz)",
        f"INSERT INTO orders SELECT g, repeat('secret', 30), now() FROM generate_series(1, {ROWS}) g",
    )
    return opened


@pytest.fixture
def proxy(server):
    with tcp_proxy.running(server.socket / ".s.PGSQL.5432") as running:
        yield running


def through(proxy, url):
    """Return a URL of the proxy."""
    return (
        url.split("?")[0].replace("@/", f"@127.0.0.1:{proxy.port}/")
        + "?"
        + url.split("&")[1]
    )


def source(url, **settings):
    changed = {"table": "orders", "page_rows": 2_000, "split_rows": 5_000, **settings}
    return SqlTable(SqlTable.Settings(url=url, **changed))


def keys_of(table):
    """Plan and read everything; return the source keys that were read, and unread."""
    keys, unread = [], []
    try:
        for split in table.plan(KnownObjects()):
            for batch in table.read(split):
                keys += list(batch.source_keys)
                unread += [failure.source_key for failure in batch.unread]
    finally:
        table.close()
    return keys, unread


@pytest.mark.parametrize(
    "cuts", [(300_000,), (1_500_000,), (900_000, 400_000, 300_000)]
)
def test_a_connection_that_drops_in_the_middle_of_a_page_is_replaced(
    orders, proxy, cuts, caplog
):
    """The page is read again; the snapshot may be gone with the connection."""
    proxy.cut_after(*cuts)
    keys, unread = keys_of(source(through(proxy, orders.url)))
    assert proxy.cuts == 0
    assert unread == []
    assert sorted(keys) == sorted(f"orders/{number}" for number in range(1, ROWS + 1))
    lost = [line for line in caplog.messages if "connection lost" in line]
    assert len(lost) == len(cuts)
    assert "secret" not in caplog.text


def test_a_cut_read_that_the_driver_takes_for_whole_is_read_again(
    orders, proxy, monkeypatch, caplog
):
    """Each result is confirmed by another query of its connection and transaction."""
    whole = PostgreSql.frame

    def careless(self, connection, query, rows=0, **options):
        try:
            return whole(self, connection, query, rows, **options)
        except OperationalError:
            return pl.DataFrame(schema=["id", "item", "updated_at"])

    monkeypatch.setattr(PostgreSql, "frame", careless)
    proxy.cut_after(900_000, 400_000)
    keys, unread = keys_of(source(through(proxy, orders.url)))
    assert proxy.cuts == 0
    assert (len(set(keys)), len(keys), unread) == (ROWS, ROWS, [])
    assert "connection lost" in caplog.text


def test_a_snapshot_whose_transaction_is_just_ending_is_replaced(server, orders):
    """PostgreSQL ends a transaction before it removes the file of its snapshot."""
    database = database_of(parse_url(orders.url), 1)
    connection = database.open()
    token = database.begin(connection)
    file = server.folder / "data" / "pg_snapshots" / token
    content = file.read_bytes()
    connection.close()
    wait_until(lambda: not file.exists())
    file.write_bytes(content)
    file.chmod(0o644)
    try:
        other = database.open()
        assert database.join(other, token) is False
        assert database.frame(other, "SELECT count(*) FROM orders").item() == ROWS
        other.close()
    finally:
        file.unlink()


@pytest.mark.parametrize("orderly", [True, False])
@pytest.mark.parametrize("coded", [True, False])
def test_a_read_that_is_cut_anywhere_fails(orders, proxy, coded, orderly):
    database = database_of(parse_url(through(proxy, orders.url)), 1)
    query = "SELECT id, 'x' AS item FROM orders WHERE id <= 30 ORDER BY id"
    check_each_cut(database, proxy, query, orderly=orderly, coded=coded)


@pytest.mark.parametrize("orderly", [True, False])
def test_a_read_of_mariadb_that_is_cut_anywhere_fails(mysql_url, writer, orderly):
    name, _, socket = mysql_url.partition("?unix_socket=")
    rows = ", ".join(f"({number})" for number in range(30))
    writer(mysql_url).run(
        "CREATE TABLE orders (id int PRIMARY KEY)", f"INSERT INTO orders VALUES {rows}"
    )
    with tcp_proxy.running(Path(unquote(socket))) as proxy:
        url = name.replace("@localhost", f"@127.0.0.1:{proxy.port}")
        database = database_of(parse_url(url), 1)
        query = "SELECT id, 'x' AS item FROM orders ORDER BY id"
        check_each_cut(database, proxy, query, orderly=orderly)


def check_each_cut(database, proxy, query, *, orderly, **options):
    """Cut the answer to a query at bytes all over it; the last ones follow its rows."""
    results, cut = [], 1
    while not results:
        connection = database.open()
        proxy.cut_after(cut, orderly=orderly)
        try:
            frame = database.frame(connection, query, **options)
        except Exception as error:
            assert is_lost(error)
        else:
            results.append(frame.height)
            assert frame.height == 30
        connection.close()
        cut += 13
    assert cut > 300


def wait_until(condition):
    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_server_that_stays_away_leaves_its_splits_unread(orders, proxy, monkeypatch):
    monkeypatch.setattr("reporting_sql.sessions.FIRST_WAIT_SECONDS", 0.01)
    table = source(through(proxy, orders.url))
    splits = planned(table, close=False)
    proxy.cut_after(*[1] * 50)
    (batch,) = table.read(splits[0])
    table.close()
    assert [failure.source_key for failure in batch.unread] == [splits[0].id]
    assert len(batch.source_keys) == 0


def test_a_server_that_is_restarted_is_waited_for(server, orders):
    """The rest is read from the server that has been started again."""
    table = source(orders.url)
    keys = []
    try:
        splits = list(table.plan(KnownObjects()))
        keys += [key for batch in table.read(splits[0]) for key in batch.source_keys]
        server.stop("fast")
        again = threading.Timer(0.5, server.start)
        again.start()
        for split in splits[1:]:
            for batch in table.read(split):
                assert batch.unread == []
                keys += list(batch.source_keys)
        again.join()
    finally:
        table.close()
    assert sorted(keys) == sorted(f"orders/{number}" for number in range(1, ROWS + 1))
    orders.close()


def test_a_lock_is_waited_for_only_so_long(orders, writer):
    other = writer(orders.url)
    other.run("BEGIN", "LOCK TABLE orders IN ACCESS EXCLUSIVE MODE")
    table = source(orders.url, lock_seconds=0.1)
    with pytest.raises(
        StorageUnavailable,
        match=r"^source sql-table: postgresql:///postgres: somebody else holds a lock"
        r" \(55P03\); run again, or raise lock_seconds$",
    ):
        planned(table)
    other.run("ROLLBACK")


def test_a_query_takes_only_so_long(orders):
    table = SqlTable(
        SqlTable.Settings(
            url=orders.url,
            query="SELECT id, CASE WHEN id > 1 THEN pg_sleep(1) END::text AS item FROM orders",
            primary_key=["id"],
            statement_seconds=0.2,
        )
    )
    with pytest.raises(
        StorageUnavailable,
        match=r"a query took longer than its time limit \(57014\); raise"
        " statement_seconds or the server's limit",
    ):
        planned(table)


def test_what_a_driver_says_is_not_shown(orders):
    table = SqlTable(
        SqlTable.Settings(
            url=orders.url,
            query="SELECT id, item::int AS item FROM orders",
            primary_key=["id"],
        )
    )
    with pytest.raises(SettingsError) as raised:
        list(table.read(planned(table, close=False)[0]))
    table.close()
    assert str(raised.value) == (
        "source sql-table: postgresql:///postgres: the database refused the query"
        " (22P02); compare table, columns and query with the database"
    )


@pytest.mark.parametrize(
    ("url", "kind", "message"),
    [
        (
            "postgresql://test:geheim@127.0.0.1:1/x",
            StorageUnavailable,
            "postgresql://127.0.0.1:1/x: the connection was lost or refused"
            " (connection); check host and port of the URL, or run again",
        ),
        (
            "mysql://test:geheim@127.0.0.1:1/x",
            StorageUnavailable,
            "mysql://127.0.0.1:1/x: the connection was lost or refused (2003);",
        ),
        (
            "sqlite:////nowhere/shop.db",
            LocationError,
            "sqlite:////nowhere/shop.db: there is no such file; correct the path",
        ),
    ],
)
def test_a_database_that_is_not_there_is_named(url, kind, message, monkeypatch):
    monkeypatch.setattr("reporting_sql.sessions.FIRST_WAIT_SECONDS", 0.01)
    table = source(url)
    with pytest.raises(kind) as raised:
        planned(table)
    assert message in str(raised.value)
    assert "geheim" not in str(raised.value)
    table = source(url, table=None, tables=["*"])
    with pytest.raises(kind) as again:
        table.streams()
    assert str(again.value) == str(raised.value)


def test_a_wrong_name_of_a_database_or_a_user_is_named(server, orders, caplog):
    """The connection is not tried again."""
    for url, kind, words in (
        (orders.url.replace("/postgres?", "/nope?"), SettingsError, "no such database"),
        (orders.url.replace("test@", "nobody@"), AccessDenied, "refused the user"),
    ):
        with pytest.raises(kind, match=words):
            planned(source(url))
        with pytest.raises(kind, match=words):
            source(url, table=None, tables=["*"]).streams()
    assert caplog.messages == []


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("sslmod=geheim", "sslmod"),
        ("sslmode=geheim", "sslmode"),
        ("connect_timeout=geheim", "connect_timeout"),
        ("port=99999", "port"),
        ("hostaddr=geheim", "hostaddr"),
        ("service=geheim", "service"),
        ("client_encoding=geheim", "client_encoding"),
        ("ssl_min_protocol_version=geheim", "ssl_min_protocol_version"),
        ("options=-c%20geheim%3D1", "options"),
        ("options=-c%20work_mem%3Dgeheim", "options"),
        ("options=geheim", "options"),
    ],
)
def test_a_wrong_option_of_a_url_is_named_at_once(server, caplog, query, name):
    table = source(f"{server.url()}&{query}")
    with pytest.raises(SettingsError, match=rf"\(option {name}\); correct") as raised:
        planned(table)
    sink = SqlTableSink(SqlTableSink.Settings(url=f"{server.url()}&{query}", table="t"))
    with pytest.raises(SettingsError, match=rf"\(option {name}\); correct url"):
        sink.open(pl.Schema({"source_key": pl.String()}))
    assert caplog.messages == []
    assert "geheim" not in str(raised.value)


def test_a_server_without_tls_is_not_asked_again(orders, proxy, caplog):
    for option in ("sslmode=require", "sslrootcert=/geheim&sslmode=verify-full"):
        with pytest.raises(SettingsError, match=r"\(option ssl(mode|rootcert)\)"):
            planned(source(f"{through(proxy, orders.url)}&{option}"))
    assert caplog.messages == []


def test_a_file_of_a_mariadb_url_that_is_missing_is_named(mysql_url, caplog):
    with pytest.raises(
        SettingsError, match="a file of ssl_ca does not exist"
    ) as raised:
        planned(source(f"{mysql_url}&ssl_ca=/geheim"))
    assert "geheim" not in str(raised.value)
    assert caplog.messages == []


def test_a_temporary_table_is_refused(server):
    for name in ("pg_temp.t", "pg_temp_3.t"):
        with pytest.raises(SettingsError, match="schema pg_temp.* by one session only"):
            planned(source(server.url(), table=name))
        sink = SqlTableSink(SqlTableSink.Settings(url=server.url(), table=name))
        with pytest.raises(SettingsError, match="schema pg_temp.* by one session only"):
            sink.open(pl.Schema({"source_key": pl.String()}))


def test_a_wrong_name_in_mariadb_is_named(mysql_url, caplog):
    socket = mysql_url.partition("?")[2]
    for url, kind, words in (
        (f"mysql://root@localhost/nope?{socket}", SettingsError, "no such database"),
        (f"mysql://root:x@localhost/test?{socket}", AccessDenied, "refused the user"),
    ):
        with pytest.raises(kind, match=words):
            source(url, table=None, tables=["*"]).streams()
    assert caplog.messages == []


def test_a_table_that_may_not_be_read_is_named(orders):
    orders.run("DROP ROLE IF EXISTS guest", "CREATE ROLE guest LOGIN")
    schema = orders.rows("SELECT current_schema()::text")[0][0]
    orders.run(f"GRANT USAGE ON SCHEMA {schema} TO guest")
    with pytest.raises(
        AccessDenied, match=r"refused the access \(42501\); grant SELECT"
    ):
        planned(source(orders.url.replace("test@", "guest@")))
    orders.run(f"REVOKE USAGE ON SCHEMA {schema} FROM guest", "DROP ROLE guest")


LOCKER = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
"""


def test_a_locked_sqlite_file_is_waited_for_only_so_long(sqlite_url, writer):
    writer(sqlite_url).run("CREATE TABLE orders (id INTEGER PRIMARY KEY)")
    path = sqlite_url.removeprefix("sqlite:///")
    with subprocess.Popen(
        [sys.executable, "-c", LOCKER, path],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as other:
        assert other.stdout.readline() == b"locked\n"
        began = time.monotonic()
        with pytest.raises(
            StorageUnavailable,
            match=r"somebody else holds a lock \(SQLITE_BUSY\); run again, or raise"
            " lock_seconds",
        ):
            planned(source(sqlite_url, lock_seconds=0.2))
        assert time.monotonic() - began < 5
        other.stdin.close()


def test_a_file_that_is_no_database_is_named(tmp_path):
    (tmp_path / "shop.db").write_bytes(b"not a database" * 100)
    with pytest.raises(LocationError, match=r"not a SQLite file .*\(SQLITE_NOTADB\)"):
        planned(source(f"sqlite:///{tmp_path}/shop.db"))


def test_a_mysql_query_takes_only_so_long(mysql_url, writer, caplog):
    writer(mysql_url).run(
        "CREATE TABLE orders (id int PRIMARY KEY)", "INSERT INTO orders VALUES (1), (2)"
    )
    table = SqlTable(
        SqlTable.Settings(
            url=mysql_url,
            query="SELECT id, SLEEP(2) AS s FROM orders",
            primary_key=["id"],
            statement_seconds=0.2,
        )
    )
    (batch,) = table.read(planned(table, close=False)[0])
    table.close()
    assert len(batch.unread) == 1
    assert "longer than its time limit (1969)" in caplog.text


def test_no_session_is_left(server, orders, caplog):
    """The source closes all connections, also those that hold a snapshot."""
    caplog.set_level(logging.INFO)
    keys_of(source(orders.url, partitions=3))
    deadline = time.monotonic() + 5
    count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'reporting'"
    while orders.rows(count)[0][0] > 1 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert orders.rows(count)[0][0] == 1  # the one that asks
