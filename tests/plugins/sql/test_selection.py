"""Tables that the settings ``tables`` and ``exclude`` select, in each database."""

import polars as pl
import pytest
from pydantic import ValidationError

from reporting_framework import SettingsError, run_report
from reporting_sql.source import SqlTable

TABLES = (
    "CREATE TABLE orders (id INTEGER PRIMARY KEY, item CHAR(9))",
    "CREATE TABLE log_old (id INTEGER PRIMARY KEY)",
    "CREATE TABLE keyless (id INTEGER, item CHAR(9))",
    "CREATE TABLE other (code INTEGER)",
    "CREATE VIEW shown AS SELECT * FROM orders",
)


def source(url, **settings):
    return SqlTable(SqlTable.Settings(url=url, **settings))


def streams(url, **settings):
    table = source(url, **settings)
    try:
        return list(table.streams())
    finally:
        table.close()


@pytest.fixture(
    params=[
        "sqlite_url",
        "postgres_url",
        pytest.param("mysql_url", marks=pytest.mark.slow),
    ]
)
def url(request, writer):
    """URL of a database with tables that a pattern does not select."""
    url = request.getfixturevalue(request.param)
    mark = "`" if request.param == "mysql_url" else '"'
    weird = f"CREATE TABLE {mark}Weird Name{mark} (id INTEGER PRIMARY KEY)"
    writer(url).run(*TABLES, weird)
    return url


def test_a_pattern_leaves_out_what_cannot_be_read_and_says_why(url, caplog):
    assert streams(url, tables=["*"], exclude=["log_*"]) == ["orders"]
    reasons = {
        line.partition(": table ")[2].partition(";")[0] for line in caplog.messages
    }
    assert reasons == {
        "keyless is left out: no primary key",
        "other is left out: no primary key",
        "Weird Name is left out: a stream cannot have this name",
    }


def test_a_primary_key_fits_the_tables_that_have_its_columns(url, caplog):
    chosen = streams(url, tables=["*", "shown"], primary_key=["id"])
    assert chosen == ["keyless", "log_old", "orders", "shown"]
    assert "table other is left out: no primary key, and no column id" in caplog.text


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"tables": ["orders", "Weird Name"]}, "a stream cannot be named Weird Name"),
        ({"tables": ["nope", "*"]}, "tables: nope selects no table; there are"),
        ({"tables": ["s[h]own"]}, "tables: s[h]own selects no table"),
        ({"tables": ["o*"], "exclude": ["orders"]}, "left out: other (no primary key)"),
    ],
)
def test_a_table_that_is_named_is_never_left_out(url, settings, message):
    with pytest.raises(SettingsError) as raised:
        streams(url, **settings)
    assert message in str(raised.value)


def test_a_key_that_a_table_lacks_is_an_error_of_this_table(sqlite_url, writer):
    writer(sqlite_url).run(*TABLES, "CREATE TABLE mine (code INTEGER PRIMARY KEY)")
    table = source(sqlite_url, tables=["*"], primary_key=["id"])
    assert table.streams() == ["keyless", "log_old", "mine", "orders"]
    table.select_stream("mine")
    with pytest.raises(SettingsError, match="table mine: there is no column id; there"):
        _ = table.info
    table.close()


def test_an_exclusion_needs_a_pattern():
    with pytest.raises(ValidationError, match="exclude needs a pattern in tables"):
        source("sqlite:///shop.db", tables=["orders"], exclude=["log_*"])


def test_a_report_of_all_tables_warns_once(tmp_path, monkeypatch, writer, caplog):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reporting.toml").write_text("""
[reports.shop]
source    = { use = "sql-table", url = "sqlite:///all.db", tables = ["*"] }
validator = { use = "frame" }
sinks     = [{ use = "parquet-checkpoint", uri = "out/{stream}.parquet", mode = "upsert" }]
""")
    writer("sqlite:///all.db").run(
        *TABLES, "INSERT INTO orders VALUES (1, 'a')", "INSERT INTO log_old VALUES (2)"
    )
    assert list(run_report("shop").streams) == ["log_old", "orders"]
    assert pl.read_parquet("out/orders.parquet")["id"].to_list() == [1]
    left_out = [line for line in caplog.messages if "table keyless is left out" in line]
    assert len(left_out) == 1
