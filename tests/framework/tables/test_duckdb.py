"""A sink of DuckDB needs one method, and keeps every promise."""

from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest

from reporting_framework import (
    DELETED_AT,
    SOURCE_KEY,
    VERSION,
    CommitContext,
    Split,
    UpsertCounts,
)
from reporting_framework.testing import CANARY, SinkContract
from reporting_framework.testing.harness.versions import Change, Frames
from tests.framework.tables.databases import DuckTable

SCHEMA = pl.Schema(
    {
        "number": pl.Int64(),
        "note": pl.String(),
        "at": pl.Datetime("us", "UTC"),
        SOURCE_KEY: pl.String(),
    }
)


def test_a_sink_of_one_method_upserts(tmp_path):
    path, frames = tmp_path / "a.duckdb", Frames(edition)
    for parts in (
        [[Change(0, "2", 1), Change(1)]],
        [[Change(0, "1"), Change(1, "2", 2)]],
    ):
        sink = DuckTable(DuckTable.Settings(path=str(path), table="orders"))
        sink.open(frames.schema(), "upsert")
        staged = [sink.stage(frames.of(part), Split("s", {}), 0) for part in parts]
        result = sink.commit(staged, CommitContext(state={"parts": len(parts)}))
        sink.close()
    assert (result.upserted, result.duplicates) == (UpsertCounts(updated=1), 1)
    assert sink.load_state() == {"parts": 1}
    assert sorted(sink.scan().select("number", VERSION).collect().rows()) == [
        (1, "2"),
        (2, "2"),
    ]


def edition(number, edition):
    schema = {"number": pl.Int64(), SOURCE_KEY: pl.String()}
    return pl.DataFrame([(edition, f"{number}.json")], schema=schema, orient="row")


@pytest.mark.slow
class TestDuckTable(SinkContract):
    plugin = DuckTable

    @pytest.fixture
    def settings(self, tmp_path):
        return {"path": str(tmp_path / "a.duckdb"), "table": "orders"}

    @pytest.fixture
    def rows(self):
        start = datetime(2024, 1, 1, tzinfo=UTC)
        return lambda numbers: pl.DataFrame(
            [
                (number, CANARY, start + timedelta(minutes=number), f"{number}.json")
                for number in numbers
            ],
            schema=SCHEMA,
            orient="row",
        )

    @pytest.fixture
    def visible(self, settings):
        types = {**SCHEMA, VERSION: pl.String(), DELETED_AT: SCHEMA["at"]}

        def read():
            if not Path(settings["path"]).exists():
                return pl.DataFrame(schema=SCHEMA)
            with closing(duckdb.connect(settings["path"])) as database:
                if ("orders",) not in database.execute("SHOW TABLES").fetchall():
                    return pl.DataFrame(schema=SCHEMA)
                found = database.execute("SELECT * FROM orders")
                names = [column[0] for column in found.description]
                return pl.DataFrame(
                    found.fetchall(),
                    schema={name: types[name] for name in names},
                    orient="row",
                )

        return read
