"""Tables with a primary key, compared with a dict by that key."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime

import polars as pl
import pytest

from reporting_framework import (
    DELETED_AT,
    SOURCE_KEY,
    VERSION,
    CommitContext,
    Split,
)
from tests.framework.tables.databases import SqliteTable
from tests.framework.tables.primary_key_model import (
    commits,
    deliveries,
    expected,
    newest_of,
)

SCHEMA = pl.Schema({SOURCE_KEY: pl.String(), "sku": pl.String(), "price": pl.Int64()})
STAGED = pl.Schema(
    {**SCHEMA, VERSION: pl.String(), DELETED_AT: pl.Datetime("us", "UTC")}
)
AT = datetime(2024, 3, 1, 12, tzinfo=UTC)


def commit(path, lines, deletes, snapshot=False):
    settings = {"path": str(path), "table": "prices", "primary_key": ["sku"]}
    table = SqliteTable(SqliteTable.Settings(**settings, deletes=deletes))
    table.open(SCHEMA, "upsert")
    made = [(*line[:4], AT if line[4] else None) for line in lines]
    frame = pl.DataFrame(made, schema=STAGED, orient="row")
    try:
        parts = [table.stage(frame, Split("s", {}), 0)]
        return table.commit(parts, CommitContext(snapshot=snapshot, at=AT))
    finally:
        table.close()


QUERY = f"SELECT sku, price, {SOURCE_KEY} FROM prices WHERE {DELETED_AT} IS NULL"

both = pytest.mark.parametrize("deletes", ["soft", "hard"])
seeds = pytest.mark.parametrize(
    "seed",
    [*range(5), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(5, 20))],
)


def live(path):
    with closing(sqlite3.connect(path)) as database:
        return sorted(database.execute(QUERY))


@both
@seeds
def test_rows_are_those_of_a_dict_by_primary_key(tmp_path, seed, deletes):
    path, table = tmp_path / "t.db", {}
    for number, lines in enumerate(commits(seed)):
        table = expected(table, lines)
        result = commit(path, lines, deletes)
        rows = [(sku, row[2], row[0]) for sku, row in sorted(table.items())]
        assert live(path) == rows, f"commit {number}"
        assert result.outputs[0].rows == len(rows)


@both
@seeds
def test_records_that_come_late_leave_one_row_each(tmp_path, seed, deletes):
    """Old versions come again and in any order; the newest ones settle the table."""
    path, lines = tmp_path / "t.db", []
    for delivered in deliveries(seed):
        commit(path, delivered, deletes)
        lines += delivered
        records = [record for *_, record in live(path)]
        assert len(records) == len(set(records))
    newest = newest_of(lines)
    commit(path, newest, deletes)
    rows = expected({}, newest).items()
    assert live(path) == [(sku, row[2], row[0]) for sku, row in sorted(rows)]


@both
def test_a_record_that_has_moved_does_not_come_back(tmp_path, deletes):
    """The rest of it has its newest version, even if another record replaces it."""
    path = tmp_path / "t.db"
    old = ("a#0", "u", 1, "5", False)
    commit(path, [old, ("c#0", "u", 3, "4", False)], deletes)
    commit(path, [("a#0", "w", 2, "6", False)], deletes)
    if deletes == "soft":
        commit(path, [("b#0", "w", 7, "7", False)], deletes)
        commit(path, [old, ("c#0", "u", 3, "4", False)], deletes)
        assert live(path) == [("u", 3, "c#0"), ("w", 7, "b#0")]
    else:
        commit(path, [old, ("c#0", "u", 3, "4", False)], deletes)
        assert live(path) == [("u", 3, "c#0"), ("w", 2, "a#0")]


@both
def test_a_delete_says_nothing_of_another_record(tmp_path, deletes):
    path = tmp_path / "t.db"
    commit(path, [("a#0", "u", 1, "5", False)], deletes)
    commit(path, [("a#0", None, None, "7", True)], deletes)
    commit(path, [("b#0", "u", 2, "6", False)], deletes)
    assert live(path) == [("u", 2, "b#0")]
    commit(path, [("b#0", "u", 1, "4", False)], deletes)
    assert live(path) == [("u", 2, "b#0")]


@both
def test_a_stale_record_whose_rows_are_all_replaced_comes_back(tmp_path, deletes):
    """Known limit: only rows of the table say what a record was last."""
    path = tmp_path / "t.db"
    old = ("a#0", "u", 1, "5", False)
    commit(path, [old], deletes)
    commit(path, [("a#0", None, None, "7", True)], deletes)
    commit(path, [("b#0", "u", 2, "8", False)], deletes)
    commit(path, [("b#0", "x", 2, "9", False)], deletes)
    commit(path, [old], deletes)
    assert live(path) == [("u", 1, "a#0"), ("x", 2, "b#0")]


@both
def test_a_row_of_nulls_that_a_snapshot_lacked_comes_back(tmp_path, deletes):
    path, other = tmp_path / "t.db", ("o#0", "o", 1, "1", False)
    record = ("r#0", "a", None, "1", False)
    commit(path, [record, other], deletes)
    commit(path, [other], deletes, snapshot=True)
    assert live(path) == [("o", 1, "o#0")]
    commit(path, [record, other], deletes, snapshot=True)
    assert live(path) == [("a", None, "r#0"), ("o", 1, "o#0")]


@both
def test_a_row_of_nulls_that_has_moved_is_no_delete(tmp_path, deletes):
    path, other = tmp_path / "t.db", ("o#0", "o", 1, "1", False)
    old, moved = ("r#0", "a", None, "1", False), ("r#0", "b", None, "2", False)
    commit(path, [old, other], deletes)
    commit(path, [moved], deletes)
    commit(path, [("r#0", "b", 5, "2", False)], deletes)
    assert live(path) == [("b", 5, "r#0"), ("o", 1, "o#0")]
    commit(path, [old], deletes)
    assert live(path) == [("b", 5, "r#0"), ("o", 1, "o#0")]
    commit(path, [moved], deletes)
    commit(path, [other], deletes, snapshot=True)
    commit(path, [moved, other], deletes, snapshot=True)
    assert live(path) == [("b", None, "r#0"), ("o", 1, "o#0")]


def test_a_delete_that_the_source_gave_of_a_row_of_nulls_stays(tmp_path):
    path, record = tmp_path / "t.db", ("r#0", "a", None, "2", False)
    commit(path, [record], "soft")
    commit(path, [("r#0", None, None, "2", True)], "soft")
    commit(path, [record], "soft")
    assert live(path) == []
