"""What is particular to rows of a SQLite table: keys, bookmarks, rows that are no JSON, and errors."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from acme_reporting.source import SqliteTable
from acme_reporting.table import Table
from reporting_framework import (
    LocationError,
    PlanStats,
    ReadFailure,
    Rejection,
    SettingsError,
    StorageUnavailable,
)

ORDERS = "CREATE TABLE orders (id INTEGER PRIMARY KEY, item TEXT, price REAL)"


class Known:
    """A ledger that knows these source keys, with a bookmark."""

    newest = None

    def __init__(self, *known, bookmark=None, rows=None, rejected=None):
        self.known, self.bookmark, self.rejected = (
            set(known),
            bookmark or {},
            rejected or {},
        )
        self.rows = len(known) if rows is None else rows
        self.asked = []

    def filter_new(self, objects, version_of):
        self.asked += objects
        same = {
            each
            for each in objects
            if each in self.rejected and version_of(each) == self.rejected[each]
        }
        return [each for each in objects if each not in self.known | same]


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "shop.db"
    execute(path, ORDERS)
    execute(
        path,
        *(f"INSERT INTO orders VALUES ({number}, 'cup', 1.5)" for number in (1, 2, 5)),
    )
    return path


def execute(path, *statements):
    with closing(sqlite3.connect(path)) as database, database:
        for each in statements:
            database.execute(each)


def made(path, **settings):
    return SqliteTable(SqliteTable.Settings(path=str(path), table="orders", **settings))


def planned(source, ledger):
    return [
        source_key
        for split in source.plan(ledger)
        for source_key in split.data["source_keys"]
    ]


def taken(source, ledger=None):
    """All batches of a run."""
    return [
        batch
        for split in source.plan(ledger or Known())
        for batch in source.read(split)
    ]


def test_only_what_the_ledger_does_not_have_is_planned(path):
    source = made(path)
    assert planned(source, Known("orders/2")) == ["orders/1", "orders/5"]
    assert source.plan_stats() == PlanStats(exhausted=True)


def test_a_split_is_plain_data_that_another_source_can_read(path):
    (split,) = made(path).plan(Known())
    sent = split._replace(data=json.loads(json.dumps(split.data)))
    (batch,) = made(path).read(sent)
    assert batch.source_keys == ["orders/1", "orders/2", "orders/5"]
    assert batch.payloads[0] == b'{"id": 1, "item": "cup", "price": 1.5}'


def test_pages_splits_and_batches_are_bounded(path):
    execute(path, many("SELECT n + 10, 'cup', 1.5", 100_000))
    asked = []

    class Counting(Known):
        def filter_new(self, objects, version_of):
            asked.append(len(objects))
            return objects[:2_500]

    splits = list(made(path).plan(Counting()))
    assert asked == [100_000, 3]
    assert [len(split.data["source_keys"]) for split in splits] == [1000, 1000, 500, 3]
    assert len({split.id for split in splits}) == 4


def test_a_batch_is_ended_before_it_grows_too_large(path):
    execute(path, many("SELECT n + 10, printf('%.*c', 1000000, 'x'), 1.5", 20))
    batches = taken(made(path))
    assert [len(batch.source_keys) for batch in batches] == [20, 3]
    assert max(sum(map(len, batch.payloads)) for batch in batches) < 18 * 1024 * 1024


def many(select, number):
    """A statement that puts rows in."""
    counted = f"WITH RECURSIVE counter(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counter LIMIT {number})"
    return f"{counted} INSERT INTO orders {select} FROM counter"


def test_a_run_looks_at_the_keys_above_those_of_the_last_one(path):
    first = made(path)
    source_keys = planned(first, Known())
    left = json.loads(json.dumps(first.bookmark(complete=True, unread=(), rows=3)))
    execute(
        path,
        "INSERT INTO orders VALUES (3, 'late', 1)",
        "INSERT INTO orders VALUES (6, 'new', 1)",
    )
    ledger = Known(*source_keys, bookmark=left)
    second = made(path)
    assert planned(second, ledger) == ["orders/6"]
    assert ledger.asked == ["orders/6"]
    assert second.bookmark(complete=True, unread=(), rows=4) == left | {
        "through": 6,
        "rows": 4,
    }
    assert planned(made(path, full_scan=True), ledger) == ["orders/3", "orders/6"]


def bookmark(path, **changed):
    return {
        "table": [str(path), "orders"],
        "through": 5,
        "rows": 3,
        "listed": days_ago(1),
    } | changed


def days_ago(days):
    return (datetime.now(UTC) - timedelta(days=days)).isoformat()


USELESS = {
    "of another file": {"table": ["other.db", "orders"]},
    "of more rows": {"rows": 4},
    "of no key": {"through": None},
    "damaged": {"through": "x"},
    "too old": {"listed": days_ago(8)},
    "of a day to come": {"listed": days_ago(-8)},
    "without a time zone": {"listed": "2024-01-01"},
    "without a time": {"listed": "never"},
}


@pytest.mark.parametrize("changed", USELESS.values(), ids=list(USELESS))
def test_a_bookmark_that_does_not_fit_costs_work_and_no_row(path, changed):
    known = ("orders/1", "orders/2", "orders/5")
    execute(path, "INSERT INTO orders VALUES (3, 'late', 1)")
    assert planned(made(path), Known(*known, bookmark=bookmark(path))) == []
    assert planned(made(path), Known(*known, bookmark=bookmark(path, **changed))) == [
        "orders/3"
    ]


def test_a_run_that_was_stopped_leaves_the_mark_where_it_was(path):
    source = made(path)
    before = bookmark(path, through=1)
    planned(source, Known("orders/1", bookmark=before, rows=3))
    assert source.bookmark(complete=False, unread=(), rows=1) == before


def test_an_unread_row_is_looked_at_again(path):
    source = made(path)
    planned(source, Known())
    left = source.bookmark(complete=True, unread=["orders/2"], rows=2)
    assert left["through"] == 1
    assert planned(made(path), Known("orders/1", "orders/5", bookmark=left)) == [
        "orders/2"
    ]


def test_an_empty_table_leaves_a_mark_that_covers_nothing(tmp_path):
    execute(tmp_path / "empty.db", ORDERS)
    source = made(tmp_path / "empty.db")
    assert planned(source, Known()) == []
    assert source.bookmark(complete=True, unread=(), rows=0)["through"] is None


def test_a_rejected_row_is_read_again_once_it_was_put_right(path):
    (batch,) = taken(made(path))
    rejected = dict(zip(batch.source_keys, batch.versions, strict=True))
    assert planned(made(path), Known(rejected=rejected)) == []
    execute(path, "UPDATE orders SET price = 2 WHERE id = 2")
    assert planned(made(path), Known(rejected=rejected)) == ["orders/2"]


def test_a_row_that_is_no_json_or_too_large_is_rejected_by_name(path):
    execute(
        path,
        "INSERT INTO orders VALUES (6, 'x', 9e999)",
        "INSERT INTO orders VALUES (7, CAST(x'ff' AS TEXT), 1)",
        f"INSERT INTO orders VALUES (8, '{'x' * 300}', 1)",
    )
    (batch,) = taken(made(path, max_record_bytes=300))
    assert batch.source_keys == ["orders/1", "orders/2", "orders/5"]
    assert [(each.source_key, each.error_type) for each in batch.rejected] == [
        ("orders/6", "undecodable"),
        ("orders/7", "undecodable"),
        ("orders/8", "too_large"),
    ]
    assert all(isinstance(each, Rejection) and each.version for each in batch.rejected)


def test_a_row_that_is_gone_and_a_file_that_is_locked_are_unread(path):
    source = made(path, busy_seconds=0.01)
    (split,) = source.plan(Known())
    execute(path, "DELETE FROM orders WHERE id = 2")
    (batch,) = source.read(split)
    assert (batch.source_keys, batch.unread) == (
        ["orders/1", "orders/5"],
        [ReadFailure("orders/2", "missing")],
    )
    with closing(sqlite3.connect(path)) as database:
        database.execute("BEGIN EXCLUSIVE")
        (batch,) = source.read(split)
        assert [each.reason for each in batch.unread] == ["unavailable"] * 3
        assert source._version("orders/1") is None
        with pytest.raises(
            StorageUnavailable,
            match=r"shop\.db: cannot be read just now \(SQLITE_BUSY\); run again",
        ):
            planned(made(path, busy_seconds=0.01), Known())


def test_names_are_quoted(tmp_path):
    execute(
        tmp_path / "odd.db",
        'CREATE TABLE "a "" b; --" ("k "" ey" INTEGER PRIMARY KEY)',
        'INSERT INTO "a "" b; --" VALUES (1)',
    )
    table = Table(str(tmp_path / "odd.db"), 'a " b; --')
    assert table.keys(None, 10) == [1]
    assert [row.payload for row in table.rows([1])] == [b'{"k \\" ey": 1}']


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("CREATE TABLE others (id INTEGER PRIMARY KEY)", "tables of the file: others"),
        (
            "CREATE TABLE orders (id TEXT PRIMARY KEY)",
            "it has none, and a row is known by it",
        ),
        (
            "CREATE TABLE orders (a INTEGER, b INTEGER, PRIMARY KEY (a, b))",
            "it has none, and a row is known by it",
        ),
        ("CREATE TABLE orders (id INTEGER)", "it has none, and a row is known by it"),
    ],
)
def test_a_table_without_a_name_for_its_rows_is_refused(tmp_path, statement, what):
    execute(tmp_path / "shop.db", statement)
    with pytest.raises(
        SettingsError, match=f"no table orders with an INTEGER PRIMARY KEY: {what}"
    ):
        planned(made(tmp_path / "shop.db"), Known())


def test_a_file_that_is_not_there_or_no_database_is_a_wrong_place(tmp_path):
    with pytest.raises(
        LocationError,
        match=r"none\.db: not a SQLite file that can be opened \(SQLITE_CANTOPEN\); give an",
    ):
        planned(made(tmp_path / "none.db"), Known())
    assert not (tmp_path / "none.db").exists()
    (tmp_path / "text.db").write_bytes(b"text, long enough to be looked at" * 10)
    with pytest.raises(
        LocationError,
        match=r"text\.db: not a SQLite file that can be opened \(SQLITE_NOTADB\)",
    ):
        planned(made(tmp_path / "text.db"), Known())
