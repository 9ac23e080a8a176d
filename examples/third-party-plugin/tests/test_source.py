"""Particulars of rows of a SQLite table: types, keys, rows of another type, and errors."""

import sqlite3
from contextlib import closing

import polars as pl
import pytest

from acme_reporting.source import SqliteTable
from reporting_framework import (
    LocationError,
    PluginError,
    ReadFailure,
    SettingsError,
    StorageUnavailable,
    TableQuery,
)
from reporting_framework.testing.harness.ledger import KnownObjects

ORDERS = "CREATE TABLE orders (id INTEGER PRIMARY KEY, item TEXT, price REAL, at TEXT)"


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "shop.db"
    execute(path, ORDERS)
    execute(
        path,
        *(
            f"INSERT INTO orders VALUES ({number}, 'cup', 1.5, '2024-01-0{number}')"
            for number in (1, 2, 5)
        ),
    )
    return path


def execute(path, *statements):
    with closing(sqlite3.connect(path)) as database, database:
        for statement in statements:
            database.execute(statement)


def made(path, **settings):
    table = {"table": "orders", "cursor": "at", **settings}
    return SqliteTable(SqliteTable.Settings(path=str(path), **table))


def taken(source):
    """All batches of a run."""
    return [
        batch for split in source.plan(KnownObjects()) for batch in source.read(split)
    ]


def test_declared_types_are_the_types_of_columns(tmp_path):
    columns = {
        "a": ("INTEGER", 2**62),
        "b": ("VARCHAR(9)", "é"),
        "c": ("DOUBLE", 0.1),
        "d": ("BLOB", b"\xff"),
        "e": ("BOOLEAN", True),
        "f": ("DATETIME", "2024-01-01 10:00:00"),
        "g": ("DECIMAL(9,2)", 1.25),
        "h": ("", "any"),
    }
    named = ", ".join(f"{name} {kind}" for name, (kind, _) in columns.items())
    with closing(sqlite3.connect(tmp_path / "x.db")) as database, database:
        database.execute(f"CREATE TABLE orders (id INTEGER PRIMARY KEY, {named})")
        values = [value for _, value in columns.values()]
        marks = ", ".join("?" * len(values))
        database.execute(f"INSERT INTO orders VALUES (1, {marks})", values)
        database.execute("INSERT INTO orders (id) VALUES (2)")
    source = made(tmp_path / "x.db", cursor=None)
    (batch,) = taken(source)
    assert batch.frame.schema == source.schema()
    assert source.schema() == pl.Schema(
        {
            "id": pl.Int64(),
            "a": pl.Int64(),
            "b": pl.String(),
            "c": pl.Float64(),
            "d": pl.Binary(),
            "e": pl.Boolean(),
            "f": pl.String(),
            "g": pl.Float64(),
            "h": pl.String(),
        }
    )
    assert batch.frame.rows() == [(1, *values), (2, *[None] * len(values))]


def test_a_row_with_a_value_of_another_type_is_rejected_by_name(path):
    execute(
        path,
        "INSERT INTO orders VALUES (6, x'00', 1, '2024-01-01')",
        "INSERT INTO orders VALUES (7, CAST(x'ff' AS TEXT), 1, '2024-01-01')",
        "INSERT INTO orders VALUES (8, 'x', 'much', '2024-01-01')",
        "INSERT INTO orders VALUES (9, 'x', 1, 'soon')",
        "INSERT INTO orders VALUES (10, 7, 1, NULL)",
    )
    (batch,) = taken(made(path))
    assert list(batch.source_keys) == [f"orders/{number}" for number in (1, 2, 5, 10)]
    assert batch.frame["item"].to_list() == ["cup", "cup", "cup", "7"]
    assert sorted((item.source_key, *item[2:]) for item in batch.rejected) == [
        ("orders/6", "wrong_type", "item"),
        ("orders/7", "wrong_type", "item"),
        ("orders/8", "wrong_type", "price"),
        ("orders/9", "cursor_not_a_time", "at"),
    ]


def test_a_file_that_is_locked_is_unread(path):
    source = made(path, busy_seconds=0.01)
    (split,) = source.plan(KnownObjects())
    with closing(sqlite3.connect(path)) as database:
        database.execute("BEGIN EXCLUSIVE")
        (batch,) = source.read(split)
        assert batch.unread == [ReadFailure(split.id, "unavailable")]
        with pytest.raises(
            StorageUnavailable,
            match=r"shop\.db: cannot be read just now \(SQLITE_BUSY\); run again",
        ):
            taken(made(path, busy_seconds=0.01))


def test_a_table_that_is_dropped_while_it_is_read_is_named(path):
    source = made(path, page_rows=1)
    (split,) = source.plan(KnownObjects())
    batches = source.read(split)
    assert len(next(batches).source_keys) == 1
    execute(path, "DROP TABLE orders")
    with pytest.raises(
        SettingsError,
        match=r"shop\.db: the table or a column is gone since the run began \(SQLITE_E",
    ):
        next(batches)


def test_names_are_quoted(tmp_path):
    execute(
        tmp_path / "odd.db",
        'CREATE TABLE "a "" b; --" ("k "" {0} ey" INTEGER PRIMARY KEY)',
        'INSERT INTO "a "" b; --" VALUES (1)',
    )
    (batch,) = taken(made(tmp_path / "odd.db", table='a " b; --', cursor=None))
    assert batch.frame.to_dicts() == [{'k " {0} ey': 1}]
    assert list(batch.source_keys) == ['a " b; --/1']


def test_a_page_is_found_by_the_index(path):
    execute(path, "CREATE INDEX by_at ON orders (at, id)")
    query = TableQuery(["id"], ["at", "id"], 10, after=("2024-01-01", 1), floor="2024")
    text, values = query.select("orders")
    with closing(sqlite3.connect(path)) as database:
        plan = database.execute(f"EXPLAIN QUERY PLAN {text}", values).fetchall()
    assert [row[3] for row in plan] == [
        "SEARCH orders USING COVERING INDEX by_at (at>?)"
    ]


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        (
            "CREATE TABLE others (id INTEGER PRIMARY KEY)",
            "there is no table orders; there are others",
        ),
        ("CREATE TABLE orders (id INTEGER, at TEXT)", "it has no primary key|has no"),
        ("CREATE TABLE orders (id INTEGER PRIMARY KEY)", "has no column at; there are"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused(tmp_path, statement, what):
    execute(tmp_path / "shop.db", statement)
    with pytest.raises(SettingsError, match=what):
        taken(made(tmp_path / "shop.db"))


@pytest.mark.parametrize(
    ("declared", "key"), [("TEXT", "NULL"), ("TEXT", "x'00'"), ("", "NULL"), ("", "10")]
)
def test_a_key_that_no_query_would_find_is_refused(tmp_path, declared, key):
    execute(
        tmp_path / "shop.db",
        f"CREATE TABLE orders (id {declared} PRIMARY KEY, at TEXT)",
        f"INSERT INTO orders VALUES ({key}, '2024-01-01')",
    )
    with pytest.raises(SettingsError, match="rows whose key is null or not of its"):
        taken(made(tmp_path / "shop.db"))


@pytest.mark.parametrize("declared", ["", "STRING", "DATE", "TEXT COLLATE NOCASE"])
def test_each_row_is_read_whatever_type_its_key_is_declared_with(tmp_path, declared):
    keys = ["1", "2", "10", "a", "B", "c"] if declared else ["a", "B", "c", "é"]
    execute(
        tmp_path / "shop.db",
        f"CREATE TABLE orders (id {declared} PRIMARY KEY, at TEXT)",
        *(f"INSERT INTO orders VALUES ('{key}', '2024-01-01')" for key in keys),
    )
    batches = taken(made(tmp_path / "shop.db", page_rows=2, split_rows=3))
    read = [key for batch in batches for key in batch.frame["id"]]
    assert sorted(read) == sorted(keys)


def test_a_cursor_that_has_no_order_is_refused(path):
    with pytest.raises(PluginError, match="column price is Float64, which cannot be"):
        taken(made(path, cursor="price"))


def test_a_file_that_is_not_there_or_no_database_is_a_wrong_place(tmp_path):
    with pytest.raises(
        LocationError,
        match=r"none\.db: not a SQLite file that can be opened \(SQLITE_CANTOPEN\); give an",
    ):
        taken(made(tmp_path / "none.db"))
    assert not (tmp_path / "none.db").exists()
    (tmp_path / "text.db").write_bytes(b"text, long enough to be looked at" * 10)
    with pytest.raises(
        LocationError,
        match=r"text\.db: not a SQLite file that can be opened \(SQLITE_NOTADB\)",
    ):
        taken(made(tmp_path / "text.db"))
