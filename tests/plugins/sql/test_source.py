"""Settings and tables of the source, and reports that are made of it."""

import json

import polars as pl
import pytest
from click.testing import CliRunner
from pydantic import ValidationError

from reporting_framework import SettingsError, run_report
from reporting_framework.cli.main import reporting
from reporting_framework.operations.doctor import run_checks
from reporting_framework.testing.harness.source_harness import planned
from reporting_sql.source import SqlTable

EXAMPLE = """
[reports.orders]
source    = { use = "sql-table", url = "sqlite:///shop.db", table = "orders", primary_key = ["id"], cursor = "updated_at", infer_deletes = true }
validator = { use = "frame" }
sinks     = [{ use = "parquet-checkpoint", uri = "out/orders.parquet", mode = "upsert" }]
"""
CURSORS = {
    "TEXT": "'2024-01-01T00:{:02}:00Z'",
    "TIMESTAMP": "'2024-01-01 00:{:02}:00'",
    "INTEGER": "{}",
}


def source(url, **settings):
    return SqlTable(SqlTable.Settings(url=url, **settings))


def live():
    """Return the rows of the report's table that are not deleted."""
    frame = pl.read_parquet("out/orders.parquet")
    alive = frame.filter(pl.col("_deleted_at").is_null())
    return alive.select("id", "item", "updated_at").sort("id").rows()


@pytest.mark.parametrize("kind", CURSORS)
def test_the_example(tmp_path, monkeypatch, writer, kind):
    """After each run, the rows that are not deleted are those of the table."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reporting.toml").write_text(EXAMPLE)
    at = CURSORS[kind].format
    shop = writer("sqlite:///shop.db")
    query = "SELECT id, item, updated_at FROM orders ORDER BY id"
    values = [f"({number}, 'i{number}', {at(number)})" for number in range(10)]
    shop.run(
        f"CREATE TABLE orders (id INTEGER PRIMARY KEY, item TEXT, updated_at {kind})",
        f"INSERT INTO orders VALUES {', '.join(values)}",
    )
    run_report("orders")
    assert live() == shop.rows(query)
    shop.run(
        f"UPDATE orders SET item = 'new', updated_at = {at(9)} WHERE id IN (1, 2)",
        f"INSERT INTO orders VALUES (10, 'tie', {at(9)}), (11, 'new', {at(12)})",
    )
    run_report("orders")
    assert live() == shop.rows(query)
    if kind != "INTEGER":  # a number is looked back from only as far as lookback says
        shop.run(f"INSERT INTO orders VALUES (12, 'late', {at(8)})")
        run_report("orders")
        assert live() == shop.rows(query)
    shop.run("DELETE FROM orders WHERE id IN (3, 9)")
    result = run_report("orders", {"full_scan": True})
    assert live() == shop.rows(query)
    assert result.deleted == 2


@pytest.mark.parametrize("key", [("n",), ("sku", "n")])
def test_a_cursor_may_be_a_part_of_the_primary_key(tmp_path, monkeypatch, writer, key):
    monkeypatch.chdir(tmp_path)
    settings = EXAMPLE.replace('["id"]', json.dumps(key)).replace("updated_at", "n")
    small = settings.replace("infer", "page_rows = 3, split_rows = 7, infer")
    (tmp_path / "reporting.toml").write_text(small)
    shop = writer("sqlite:///shop.db")

    def rows_are_those_of_the_table():
        frame = pl.read_parquet("out/orders.parquet")
        alive = frame.filter(pl.col("_deleted_at").is_null())
        found = alive.select("sku", "n", "item").sort("n").rows()
        return found == shop.rows("SELECT sku, n, item FROM orders ORDER BY n")

    values = [f"('{'ab'[n % 2]}', {n}, 'i{n}')" for n in range(20)]
    shop.run(
        f"CREATE TABLE orders (sku TEXT, n INTEGER, item TEXT, PRIMARY KEY ({', '.join(key)}))",
        f"INSERT INTO orders VALUES {', '.join(values)}",
    )
    assert run_report("orders").inserted == 20
    assert rows_are_those_of_the_table()
    shop.run(
        "UPDATE orders SET item = 'new' WHERE n = 19",  # the greatest is read again
        "INSERT INTO orders VALUES ('a', 20, 'i20'), ('b', 21, 'i21')",
    )
    result = run_report("orders")
    assert (result.inserted, result.updated, result.deleted) == (2, 1, 0)
    assert rows_are_those_of_the_table()
    shop.run("DELETE FROM orders WHERE n IN (3, 21)")
    assert run_report("orders", {"full_scan": True}).deleted == 2
    assert rows_are_those_of_the_table()


def test_deletes_are_inferred_only_if_asked_for(tmp_path, monkeypatch, writer):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reporting.toml").write_text(
        EXAMPLE.replace(", infer_deletes = true", "")
    )
    shop = writer("sqlite:///shop.db")
    shop.run(
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, item TEXT, updated_at TEXT)",
        "INSERT INTO orders VALUES (1, 'a', '2024-01-01'), (2, 'b', '2024-01-01')",
    )
    run_report("orders")
    shop.run("DELETE FROM orders WHERE id = 1")
    run_report("orders", {"full_scan": True})
    assert [row[0] for row in live()] == [1, 2]


STREAMS = """
[reports.shop]
source     = {{ use = "sql-table", url = "{url}", tables = ["orders", "other.*"], cursor = "updated_at" }}
validator  = {{ use = "frame" }}
sinks      = [{{ use = "parquet-checkpoint", uri = "out/{{stream}}.parquet", mode = "upsert" }}]
"""


def test_several_tables_are_streams(tmp_path, monkeypatch, postgres_url, writer):
    """A table without the cursor is read as a whole."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reporting.toml").write_text(STREAMS.format(url=postgres_url))
    shop = writer(postgres_url)
    shop.run(
        "CREATE TABLE orders (id int PRIMARY KEY, updated_at timestamptz)",
        "INSERT INTO orders VALUES (1, now())",
        "CREATE TABLE ignored (id int PRIMARY KEY)",
        "CREATE SCHEMA other",
        "CREATE TABLE other.items (code text PRIMARY KEY, size int)",
        "INSERT INTO other.items VALUES ('a/b', 5)",
        "CREATE TABLE other.people (id int PRIMARY KEY, updated_at timestamptz)",
    )
    try:
        result = run_report("shop")
    finally:
        shop.run("DROP SCHEMA other CASCADE")
    assert list(result.streams) == ["orders", "other.items", "other.people"]
    items = pl.read_parquet("out/other.items.parquet")
    assert items.select("code", "size", "source_key").rows() == [
        ("a/b", 5, "other.items/a%2Fb")
    ]
    assert pl.read_parquet("out/orders.parquet")["id"].to_list() == [1]


def test_a_query_is_read_as_a_table(postgres_url, writer):
    writer(postgres_url).run(
        "CREATE TABLE orders (id int PRIMARY KEY, item text, updated_at timestamptz)",
        "INSERT INTO orders SELECT g, 'x', now() FROM generate_series(1, 10) g",
    )
    table = source(
        postgres_url,
        query="SELECT id * 10 AS number, upper(item) AS item FROM orders; ",
        primary_key=["number"],
        page_rows=3,
    )
    keys = [
        key
        for split in planned(table, close=False)
        for batch in table.read(split)
        for key in batch.source_keys
    ]
    table.close()
    assert keys == [f"query/{number}" for number in range(10, 101, 10)]


def test_a_url_without_a_host_names_a_socket_in_its_query(server, writer, postgres_url):
    writer(postgres_url).run("CREATE TABLE t (id int PRIMARY KEY)")
    _, _, options = postgres_url.partition("?")
    table = source(f"postgresql:///postgres?{options}&user=test", table="t")
    assert table.schema().names() == ["id"]
    table.close()


def test_columns_that_are_left_out_are_not_read(sqlite_url, writer):
    writer(sqlite_url).run(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT, at TEXT)"
    )
    table = source(sqlite_url, table="t", columns=["b"], cursor="at")
    assert table.schema().names() == ["id", "b", "at"]
    table.close()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"table": "nope"},
            "there is no table nope; there are bare, crowd, down, nulls, t",
        ),
        ({"table": "t", "cursor": "nope"}, "there is no column nope; there are id, a"),
        ({"table": "t", "columns": ["nope"]}, "there is no column nope"),
        ({"table": "bare"}, "it has no primary key; name its columns in primary_key"),
        (
            {"table": "crowd", "primary_key": ["a"]},
            "primary_key a: two rows have the same values; name more columns",
        ),
        (
            {"table": "nulls", "primary_key": ["a"]},
            "primary_key a: a row has a value that is null, or not of the column's type",
        ),
        (  # such a column is not the rowid, and may be null
            {"table": "down"},
            "primary_key id: a row has a value that is null, or not of the column's type",
        ),
        ({"tables": ["x*"]}, "tables: x* selects no table; there are bare, crowd"),
    ],
)
def test_what_does_not_fit_is_refused(sqlite_url, writer, settings, message):
    writer(sqlite_url).run(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)",
        "CREATE TABLE bare (a TEXT)",
        "CREATE TABLE down (id INTEGER PRIMARY KEY DESC, a TEXT)",
        "INSERT INTO down (a) VALUES ('x')",
        "CREATE TABLE crowd (a TEXT)",
        "INSERT INTO crowd VALUES ('x'), ('x')",
        "CREATE TABLE nulls (a TEXT UNIQUE)",
        "INSERT INTO nulls VALUES ('x'), (NULL)",
    )
    table = source(sqlite_url, **settings)
    try:
        with pytest.raises(SettingsError) as raised:
            table.streams() if "tables" in settings else table.info
    finally:
        table.close()
    assert message in str(raised.value)


@pytest.mark.parametrize("database", ["postgres", "sqlite", "mysql"])
@pytest.mark.parametrize(
    "query",
    [
        "SELECT idd AS id FROM t",
        "SELEC 1 AS id",
        "SELECT id FROM nosuch",
        "SELECT 1 AS id; SELECT 2",
        "INSERT INTO t VALUES (5)",
        "SELECT nofunction(id) AS id FROM t",
        "SELECT id FROM t WHERE id IN (SELECT 1, 2)",
        "SELECT id FROM t a, t b",
        "SELECT id FROM t UNION SELECT id, 1 FROM t",
        "SELECT id FROM t WHERE sum(id) > 1",
    ],
)
def test_a_wrong_query_is_an_error_of_the_settings(request, writer, database, query):
    url = request.getfixturevalue(f"{database}_url")
    writer(url).run("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    table = SqlTable(SqlTable.Settings(url=url, query=query, primary_key=["id"]))
    with pytest.raises(SettingsError, match=r"the database refused the query \(\w"):
        table.schema()
    table.close()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "give one of table, query and tables"),
        ({"table": "a", "lookback": 5}, "lookback needs a cursor"),
        (
            {"table": "a", "partitions": 2},
            "partitions is for PostgreSQL, not for sqlite",
        ),
        ({"table": "a", "query": "SELECT 1"}, "give one of table, query and tables"),
        ({"query": "SELECT 1"}, "a query has no key of its own; give primary_key"),
        ({"table": "a", "url": "nope://x"}, "not the URL of a known database"),
        ({"table": "a", "url": "secret:x"}, "not a valid reference to a secret"),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings, message):
    with pytest.raises(ValidationError, match=message):
        SqlTable.Settings(**{"url": "sqlite:///shop.db", **settings})


def test_a_url_by_reference_is_resolved_when_the_source_opens(
    sqlite_url, writer, monkeypatch
):
    writer(sqlite_url).run("CREATE TABLE t (id INTEGER PRIMARY KEY)")
    table = source("secret:env:SHOP_URL", table="t")
    monkeypatch.setenv("SHOP_URL", sqlite_url)
    assert table.schema().names() == ["id"]
    assert table.source_uris() == [f"{sqlite_url}#t"]
    table.close()
    (permission,) = SqlTable.aws_permissions(
        SqlTable.Settings(url="secret:ssm:/db/url", table="t")
    )
    assert permission.actions == ("ssm:GetParameter",)


@pytest.mark.parametrize(
    ("settings", "status", "found"),
    [
        ({"table": "t"}, "ok", "{url}#t: 2 columns, primary key id"),
        ({"table": "nope"}, "fail", "source sql-table: there is no table nope"),
        ({"table": "bare"}, "fail", "table bare: it has no primary key"),
        (
            {"url": "sqlite:////nope/x.db", "table": "t"},
            "fail",
            "there is no such file",
        ),
        (
            {"url": "postgresql://u:geheim@127.0.0.1:1/x", "table": "t"},
            "fail",
            "postgresql://127.0.0.1:1/x: the connection was lost or refused",
        ),
    ],
)
def test_the_doctor_checks_the_table(
    sqlite_url, writer, monkeypatch, settings, status, found
):
    monkeypatch.setattr("reporting_sql.sessions.FIRST_WAIT_SECONDS", 0.01)
    writer(sqlite_url).run(
        "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT)", "CREATE TABLE bare (a TEXT)"
    )
    table = source(**{"url": sqlite_url, **settings})
    (result,) = run_checks(table.health_checks(write=False), limit=30)
    assert (result.check, result.status) == ("source", status)
    assert found.format(url=sqlite_url) in result.found


def test_the_doctor_checks_each_stream(tmp_path, monkeypatch, writer):
    monkeypatch.chdir(tmp_path)
    writer("sqlite:///shop.db").run(
        "CREATE TABLE a (id INTEGER PRIMARY KEY)",
        "CREATE TABLE b (id INTEGER PRIMARY KEY, v TEXT)",
    )
    text = EXAMPLE.replace('table = "orders"', 'tables = ["*"]')
    text = text.replace('primary_key = ["id"], ', "").replace("orders.p", "{stream}.p")
    (tmp_path / "reporting.toml").write_text(text)
    result = CliRunner().invoke(reporting, ["doctor", "orders", "--format", "json"])
    assert "sqlite:///shop.db#a: 1 column, primary key id" in result.output
    assert "sqlite:///shop.db#b: 2 columns, primary key id" in result.output


def test_a_snapshot_is_read_through_several_connections(postgres_url, writer):
    """Rows that are written meanwhile are not in it, whoever reads."""
    shop = writer(postgres_url)
    shop.run(
        "CREATE TABLE t (id int PRIMARY KEY, v int)",
        "INSERT INTO t SELECT g, 0 FROM generate_series(1, 8) g",
    )
    table = source(postgres_url, table="t", split_rows=2, partitions=3)
    assert table.parallelism == 3
    splits = planned(table, close=False)
    shop.run("UPDATE t SET v = 1", "INSERT INTO t VALUES (9, 1)")
    values = []
    for split in splits:
        elsewhere = source(postgres_url, table="t")
        there = split._replace(data=json.loads(json.dumps(split.data)))
        values += [v for batch in elsewhere.read(there) for v in batch.frame["v"]]
        elsewhere.close()
    table.close()
    assert values == [0] * 8


def test_a_cursor_whose_form_changes_is_not_missed(
    tmp_path, monkeypatch, writer, caplog
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "reporting.toml").write_text(EXAMPLE)
    shop = writer("sqlite:///shop.db")
    shop.run(
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, item TEXT, updated_at TIMESTAMP)",
        "INSERT INTO orders VALUES (1, 'a', '2024-01-01T10:00:00Z')",
    )
    run_report("orders")
    for number, text in enumerate(("2024-01-01T05:00-07:00", "2024-01-01 11:00:00.5")):
        shop.run(f"INSERT INTO orders VALUES ({number + 2}, 'b', '{text}')")
        caplog.clear()
        run_report("orders")
        assert "new texts have another form" in caplog.text
        query = "SELECT id, item, updated_at FROM orders ORDER BY id"
        assert live() == shop.rows(query)


NUMBERS = """
[reports.orders]
source    = {{ use = "sql-table", url = "{url}", query = "{query}", primary_key = ["id"] }}
validator = {{ use = "frame", rules = {{ total = {{ type = "decimal(10,2)" }} }} }}
sinks     = [{{ use = "parquet-checkpoint", uri = "orders.parquet", mode = "upsert" }}]
"""


@pytest.mark.parametrize("name", ["sqlite_url", "postgres_url"])
def test_a_number_of_a_query_becomes_a_decimal(
    request, writer, tmp_path, monkeypatch, name
):
    url = request.getfixturevalue(name)
    monkeypatch.chdir(tmp_path)
    writer(url).run(
        "CREATE TABLE o (id INTEGER PRIMARY KEY)",
        "INSERT INTO o VALUES (1), (2), (3)",
    )
    query = "SELECT id, CASE id WHEN 3 THEN 0.125 ELSE id * 1.5 END AS total FROM o"
    text = NUMBERS.format(url=url, query=query)
    (tmp_path / "reporting.toml").write_text(text)
    result = run_report("orders")
    assert (result.inserted, result.rejected) == (2, 1)
    totals = pl.read_parquet("orders.parquet")["total"]
    assert totals.dtype == pl.Decimal(10, 2)
    assert [str(value) for value in totals.sort()] == ["1.50", "3.00"]
