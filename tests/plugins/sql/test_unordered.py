"""Values of keys and cursors that have no place in the order of a frame's values."""

import polars as pl
import pytest

from reporting_framework import SettingsError, TableQuery, run_report
from reporting_sql.source import SqlTable

REPORT = """
[reports.r]
source    = {{ use = "sql-table", url = "{url}", table = "t", cursor = "u", page_rows = 2 }}
validator = {{ use = "frame" }}
sinks     = [{{ use = "parquet-checkpoint", uri = "out/r.parquet", mode = "upsert" }}]
"""
NO_DAYS = ["0000-00-00", "2024-00-00", "2024-02-31", "2024-01-00", "0000-01-01"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ids():
    return sorted(pl.read_parquet("out/r.parquet")["id"])


def shop_of(mysql_url, writer, kind):
    shop = writer(mysql_url)
    shop.run(
        "SET SESSION sql_mode = 'ALLOW_INVALID_DATES'",
        f"CREATE TABLE t (id int PRIMARY KEY, u {kind}, KEY (u, id))",
    )
    return shop


@pytest.mark.parametrize(
    ("kind", "none"),
    [
        ("date NOT NULL", NO_DAYS),
        ("datetime(6) NOT NULL", NO_DAYS),
        ("datetime", NO_DAYS),
        ("timestamp NOT NULL DEFAULT 0", NO_DAYS[:1]),
    ],
)
def test_a_cursor_of_mysql_that_is_no_day_rejects_its_row(
    folder, mysql_url, writer, kind, none
):
    """Full scans read these rows; increments read all others."""
    (folder / "reporting.toml").write_text(REPORT.format(url=mysql_url))
    shop = shop_of(mysql_url, writer, kind)
    wrong = [f"({number}, '{day}')" for number, day in enumerate(none, 10)]
    shop.run(f"INSERT INTO t VALUES {', '.join(wrong)}")
    result = run_report("r")
    assert (result.accepted, result.rejected) == (0, len(none))
    shop.run("INSERT INTO t VALUES (1, '2024-01-30'), (2, '2024-01-30')")
    run_report("r", {"full_scan": True})
    assert ids() == [1, 2]
    later = [f"({number}, '{day}')" for number, day in enumerate(none, 20)]
    shop.run(
        "INSERT INTO t VALUES (3, '2024-01-30'), (4, '2024-02-01')",
        f"INSERT INTO t VALUES {', '.join(later)}",
        "UPDATE t SET u = '2024-02-01' WHERE id = 10",
    )
    run_report("r")
    assert ids() == [1, 2, 3, 4, 10]
    result = run_report("r", {"full_scan": True})
    assert result.rejected == 2 * len(none) - 1
    assert run_report("r").rejected == 0


@pytest.mark.parametrize(
    ("kind", "day"),
    [("date", "2024-00-00"), ("datetime", "0000-00-00"), ("timestamp", "0000-00-00")],
)
def test_a_key_of_mysql_that_is_no_day_is_refused(mysql_url, writer, kind, day):
    shop = writer(mysql_url)
    shop.run(
        "SET SESSION sql_mode = ''",
        f"CREATE TABLE t (k {kind} NOT NULL, n int, PRIMARY KEY (n, k))",
        "INSERT INTO t VALUES ('2024-02-29', 1)",
    )
    source = SqlTable(SqlTable.Settings(url=mysql_url, table="t"))
    assert read(source).height == 1
    source.close()
    shop.run(f"INSERT INTO t VALUES ('{day}', 2)")
    refused(mysql_url, "table t: primary_key n, k: a row has a value that is null, or")


def read(source):
    """Read the first rows in the order of an increment."""
    info = source.info
    order = [info.cursor] if info.cursor else info.primary_key
    return source.fetch(TableQuery(info.schema.names(), order, 9))


def refused(url, message, **settings):
    source = SqlTable(SqlTable.Settings(url=url, table="t", **settings))
    try:
        with pytest.raises(SettingsError, match=message):
            read(source)
    finally:
        source.close()


def test_a_key_of_sqlite_that_is_not_utf_8_is_refused(sqlite_url, writer):
    writer(sqlite_url).run(
        "CREATE TABLE t (k TEXT PRIMARY KEY)",
        "INSERT INTO t VALUES ('a'), (CAST(X'ff' AS TEXT))",
    )
    refused(sqlite_url, "table t: primary_key k: a row has a value that is null, or")


def test_a_cursor_of_sqlite_that_is_not_utf_8_is_refused_in_an_increment(
    sqlite_url, writer
):
    writer(sqlite_url).run(
        "CREATE TABLE t (k INTEGER PRIMARY KEY, u TEXT)",
        "INSERT INTO t VALUES (1, '2024-01-01'), (2, CAST(X'ff' AS TEXT))",
    )
    refused(sqlite_url, "table t: cursor u: a row has a value that is null", cursor="u")


FAR = ["infinity", "-infinity", "0044-03-15 BC", "20000-01-01"]


@pytest.mark.parametrize("day", FAR)
@pytest.mark.parametrize("kind", ["date", "timestamp", "timestamptz"])
def test_a_key_of_postgresql_that_no_frame_can_hold_is_refused(
    postgres_url, writer, kind, day
):
    shop = writer(postgres_url)
    shop.run(
        f"CREATE TABLE t (k {kind} PRIMARY KEY)",
        "INSERT INTO t VALUES ('0001-01-01 00:00+00'), ('9999-12-31 23:59:59.999999+00')",
    )
    source = SqlTable(SqlTable.Settings(url=postgres_url, table="t"))
    assert read(source).height == 2
    source.close()
    shop.run(f"INSERT INTO t VALUES ('{day}')")
    refused(postgres_url, "table t: primary_key k: a row has a value that is null, or")


@pytest.mark.parametrize("kind", ["date", "timestamp", "timestamptz"])
def test_a_cursor_of_postgresql_that_no_frame_can_hold_rejects_its_row(
    folder, postgres_url, writer, kind
):
    (folder / "reporting.toml").write_text(REPORT.format(url=postgres_url))
    shop = writer(postgres_url)
    wrong = [f"({number}, '{day}')" for number, day in enumerate(FAR, 10)]
    shop.run(
        f"CREATE TABLE t (id int PRIMARY KEY, u {kind})",
        f"INSERT INTO t VALUES (1, '2024-01-30'), {', '.join(wrong)}",
    )
    result = run_report("r")
    assert (result.accepted, result.rejected) == (1, len(FAR))
    shop.run("INSERT INTO t VALUES (2, '2024-02-01')")
    run_report("r")
    assert ids() == [1, 2]
