"""Faults of a database that the sink writes to: all of a commit is there, or nothing."""

import threading
import time
from contextlib import closing

import polars as pl
import pytest

from reporting_framework import (
    DELETED_AT,
    SOURCE_KEY,
    VERSION,
    AccessDenied,
    CommitContext,
    CorruptCheckpoint,
    SettingsError,
    Split,
    StorageUnavailable,
)
from reporting_sql.table_sink import SqlTableSink
from tests.plugins.sql.conftest import Writer
from tests.support import tcp_proxy

pytestmark = pytest.mark.slow

SCHEMA = pl.Schema({"value": pl.Int64(), SOURCE_KEY: pl.String()})
FIRST, LATER = range(20), range(10, 40)


def orders(numbers, version):
    return pl.DataFrame(
        {"value": [int(version)] * len(numbers), SOURCE_KEY: [f"{n}" for n in numbers]},
        SCHEMA,
    ).with_columns(
        pl.lit(version).alias(VERSION),
        pl.lit(None, pl.Datetime("us", "UTC")).alias(DELETED_AT),
    )


def run(url, numbers, version, **more):
    sink = SqlTableSink(SqlTableSink.Settings(url=url, table="orders", **more))
    try:
        sink.open(SCHEMA, "upsert")
        part = sink.stage(orders(numbers, version), Split("s", {}), 0)
        return sink.commit([part], CommitContext(state={"run": version}))
    finally:
        sink.close()


def state(url):
    """Return the rows by source key, and the source state."""
    with closing(Writer(url)) as database:
        rows = database.rows(f"SELECT {SOURCE_KEY}, value FROM orders")
        [(text,)] = database.rows("SELECT state FROM _reporting_state")
    assert len(rows) == len({key for key, _ in rows}), "a row is doubled"
    return dict(rows), text


BEFORE = ({f"{n}": 1 for n in FIRST}, '{"run": "1"}')
AFTER = (BEFORE[0] | {f"{n}": 2 for n in LATER}, '{"run": "2"}')


@pytest.fixture
def proxy(server):
    with tcp_proxy.running(server.socket / ".s.PGSQL.5432") as running:
        yield running


@pytest.fixture
def proxied(proxy, postgres_url):
    options = postgres_url.split("&", 1)[1]
    return f"postgresql://test@127.0.0.1:{proxy.port}/postgres?{options}"


def cut(proxy, proxied, postgres_url, size):
    """Break a later run after that many bytes; return whether it was broken."""
    with closing(Writer(postgres_url)) as database:
        database.run(
            "DROP TABLE IF EXISTS orders", "DROP TABLE IF EXISTS _reporting_state"
        )
    run(postgres_url, FIRST, "1")
    proxy.cut_after(size)
    error = None
    try:
        run(proxied, LATER, "2")
    except StorageUnavailable as caught:
        error = caught
    broken, found = not proxy.cuts, state(postgres_url)
    proxy.cut_after()
    assert found in (BEFORE, AFTER)
    if error is not None and found == AFTER:
        assert "nothing was changed" not in str(error) or "lost" in str(error)
    run(postgres_url, LATER, "2")
    assert state(postgres_url) == AFTER
    return broken, error


@pytest.mark.parametrize("size", [300, 2_000, 5_000])
def test_a_connection_that_breaks_leaves_all_or_nothing(
    proxy, proxied, postgres_url, size
):
    broken, error = cut(proxy, proxied, postgres_url, size)
    assert broken
    assert error is not None


@pytest.mark.slow
def test_a_connection_that_breaks_anywhere_leaves_all_or_nothing(
    proxy, proxied, postgres_url
):
    errors, size, broken = [], 50, True
    while broken:
        broken, error = cut(proxy, proxied, postgres_url, size)
        errors.append(str(error))
        size += 37
    assert len(errors) > 50


TERMINATE = (
    "CREATE FUNCTION fall() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN PERFORM {}; RETURN NULL; END $$"
)
AT_COMMIT = (
    "CREATE CONSTRAINT TRIGGER fall AFTER INSERT OR UPDATE ON orders"
    " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION fall()"
)
AT_ONCE = (
    "CREATE TRIGGER fall AFTER INSERT ON orders FOR EACH STATEMENT"
    " EXECUTE FUNCTION fall()"
)


def test_a_server_that_ends_in_the_commit_is_not_said_to_have_changed_nothing(
    postgres_url,
):
    run(postgres_url, FIRST, "1")
    with closing(Writer(postgres_url)) as database:
        ends = TERMINATE.format("pg_terminate_backend(pg_backend_pid())")
        database.run(ends, AT_COMMIT)
        with pytest.raises(
            StorageUnavailable, match="the answer of the commit was lost; all of it was"
        ):
            run(postgres_url, LATER, "2")
        assert state(postgres_url) == BEFORE
        database.run("DROP TRIGGER fall ON orders")
    run(postgres_url, LATER, "2")
    assert state(postgres_url) == AFTER


def test_a_commit_that_the_server_refuses_is_refused_with_its_code(postgres_url):
    run(postgres_url, FIRST, "1")
    with closing(Writer(postgres_url)) as database:
        database.run(TERMINATE.format("1 / (SELECT 0)"), AT_COMMIT)
    with pytest.raises(SettingsError, match=r"the database refused it \(22012\)"):
        run(postgres_url, LATER, "2")
    assert state(postgres_url) == BEFORE


def test_a_server_that_is_restarted_is_used_again(postgres_url, server):
    run(postgres_url, FIRST, "1")
    sink = SqlTableSink(SqlTableSink.Settings(url=postgres_url, table="orders"))
    sink.open(SCHEMA, "upsert")
    part = sink.stage(orders(LATER, "2"), Split("s", {}), 0)
    server.stop()
    try:
        with pytest.raises(StorageUnavailable, match="orders: the connection was lost"):
            sink.commit([part])
    finally:
        server.start()
    sink.commit([part], CommitContext(state={"run": "2"}))
    sink.close()
    assert state(postgres_url) == AFTER


def test_a_statement_that_takes_too_long_is_stopped(postgres_url):
    run(postgres_url, FIRST, "1")
    with closing(Writer(postgres_url)) as database:
        database.run(TERMINATE.format("pg_sleep(60)"), AT_ONCE)
    began = time.monotonic()
    with pytest.raises(
        StorageUnavailable,
        match=r"longer than its time limit \(57014\); nothing was ch",
    ):
        run(postgres_url, LATER, "2", statement_seconds=0.5)
    assert time.monotonic() - began < 30
    assert state(postgres_url) == BEFORE


LOCKS = {
    "sqlite": ("BEGIN IMMEDIATE", "SQLITE_BUSY"),
    "postgres": (
        ["BEGIN", "SELECT * FROM _reporting_state FOR UPDATE"],
        "55P03",
    ),
    "mysql": (["BEGIN", "SELECT * FROM _reporting_state FOR UPDATE"], "1205"),
}


@pytest.mark.parametrize(
    "name", ["sqlite", "postgres", pytest.param("mysql", marks=pytest.mark.slow)]
)
def test_a_lock_of_another_process_is_waited_for_and_named(request, name):
    url = request.getfixturevalue(f"{name}_url")
    statements, code = LOCKS[name]
    statements = [statements] if isinstance(statements, str) else statements
    run(url, FIRST, "1")
    with closing(Writer(url)) as other:
        for statement in statements:
            other.rows(statement) if "SELECT" in statement else other.run(statement)
        with pytest.raises(
            StorageUnavailable,
            match=rf"another process has locked it \({code}\); nothing was changed; run",
        ):
            run(url, LATER, "2", lock_seconds=0.3)
        freed = threading.Timer(0.5, other.run, ["ROLLBACK"])
        freed.start()
        run(url, LATER, "2", lock_seconds=30)
        freed.join()
    assert state(url) == AFTER


def test_a_sqlite_file_in_use_keeps_its_journal(sqlite_url):
    """A writer holds a lock that SQLite waits for in a commit, not for a journal."""
    run(sqlite_url, FIRST, "1")
    with closing(Writer(sqlite_url)) as other:
        other.rows("PRAGMA journal_mode = DELETE")
        other.run("BEGIN IMMEDIATE")
        freed = threading.Timer(0.5, other.run, ["ROLLBACK"])
        freed.start()
        run(sqlite_url, LATER, "2", lock_seconds=30)
        freed.join()
    assert state(sqlite_url) == AFTER


def test_a_user_without_rights_is_named_by_its_code(postgres_url):
    with closing(Writer(postgres_url)) as database:
        database.run(
            "DROP ROLE IF EXISTS reader",
            "CREATE ROLE reader LOGIN",
            "DO $$ BEGIN EXECUTE format('GRANT USAGE ON SCHEMA %I TO reader',"
            " current_schema()); END $$",
        )
        with pytest.raises(
            AccessDenied, match=r"refused the access \(42501\); grant it"
        ):
            run(postgres_url.replace("//test@", "//reader@"), FIRST, "1")
        database.run("DROP OWNED BY reader", "DROP ROLE reader")


def test_a_file_that_is_not_a_database_is_refused(tmp_path):
    (tmp_path / "a.db").write_bytes(b"no database " * 1000)
    with pytest.raises(
        CorruptCheckpoint, match="it is not a SQLite file.*SQLITE_NOTADB"
    ):
        run(f"sqlite:///{tmp_path}/a.db", FIRST, "1")
