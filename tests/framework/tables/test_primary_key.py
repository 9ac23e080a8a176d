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
from tests.framework.tables.primary_key_model import commits, expected

SCHEMA = pl.Schema({SOURCE_KEY: pl.String(), "sku": pl.String(), "price": pl.Int64()})
STAGED = pl.Schema(
    {**SCHEMA, VERSION: pl.String(), DELETED_AT: pl.Datetime("us", "UTC")}
)
AT = datetime(2024, 3, 1, 12, tzinfo=UTC)


def commit(path, lines, deletes):
    settings = {"path": str(path), "table": "prices", "primary_key": ["sku"]}
    table = SqliteTable(SqliteTable.Settings(**settings, deletes=deletes))
    table.open(SCHEMA, "upsert")
    made = [(*line[:4], AT if line[4] else None) for line in lines]
    frame = pl.DataFrame(made, schema=STAGED, orient="row")
    try:
        return table.commit([table.stage(frame, Split("s", {}), 0)], CommitContext())
    finally:
        table.close()


@pytest.mark.parametrize("deletes", ["soft", "hard"])
@pytest.mark.parametrize(
    "seed",
    [*range(5), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(5, 20))],
)
def test_rows_are_those_of_a_dict_by_primary_key(tmp_path, seed, deletes):
    path, table = tmp_path / "t.db", {}
    query = f"SELECT sku, price, {SOURCE_KEY} FROM prices WHERE {DELETED_AT} IS NULL"
    for number, lines in enumerate(commits(seed)):
        table = expected(table, lines)
        result = commit(path, lines, deletes)
        rows = [(sku, row[2], row[0]) for sku, row in sorted(table.items())]
        with closing(sqlite3.connect(path)) as database:
            found = sorted(database.execute(query))
        assert found == rows, f"commit {number}"
        assert result.outputs[0].rows == len(rows)
