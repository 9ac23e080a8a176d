"""What is particular to the sink ``sqlite-table``."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime

import polars as pl
import pytest

from acme_reporting.sink import SqliteTableSink
from reporting_framework import (
    SOURCE_KEY,
    AccessDenied,
    CorruptCheckpoint,
    LocationError,
    Split,
    StorageUnavailable,
)
from reporting_framework.testing.fakes import (
    SCHEMA,
    GivenRecords,
    batch,
    execute,
    pipeline,
)


def sink(path, **more):
    made = {"path": str(path), "table": "orders", "busy_seconds": 0, **more}
    return SqliteTableSink(SqliteTableSink.Settings(**made))


def put(path, **more):
    table = sink(path, **more)
    table.open(pl.Schema({"number": pl.Int64(), SOURCE_KEY: pl.String()}))
    frame = pl.DataFrame({"number": [1], SOURCE_KEY: ["a"]})
    part = table.stage(frame, Split("s", {}), 0)
    try:
        return table.commit([part])
    finally:
        table.close()


def test_a_report_keeps_its_rows_in_a_table(tmp_path):
    path = tmp_path / "shop.db"
    for expected in (2, 0):
        report = pipeline(
            GivenRecords({"s": [batch(1, 2)]}), sink(path, timestamp="timestamp")
        )
        result = execute(report)
        assert (result.accepted, result.outputs[0].new_rows) == (expected, expected)
    assert result.outputs[0].uri == f"{path}#orders"
    assert result.last_processed_timestamp == datetime(2024, 1, 1, 0, 2, tzinfo=UTC)
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        rows = database.execute("SELECT * FROM orders").fetchall()
    assert rows[0] == ("alpha", 1, "2024-01-01T00:01:00.000000+00:00", "given.ndjson#1")
    assert len(rows[0]) == len(SCHEMA)


def test_what_belongs_to_the_report_is_beside_the_file(tmp_path):
    location = sink(tmp_path / "shop.db").metadata_location()
    assert (location.folder, location.name) == (str(tmp_path), "shop.db-orders")


def test_a_file_that_is_no_database_is_corrupt(tmp_path):
    (tmp_path / "shop.db").write_bytes(b"no database" * 99)
    with pytest.raises(CorruptCheckpoint, match="SQLITE_NOTADB: it is no SQLite file"):
        put(tmp_path / "shop.db")


def test_a_folder_that_is_not_there_is_a_location_error(tmp_path):
    with pytest.raises(
        LocationError, match="SQLITE_CANTOPEN: it cannot be opened; give"
    ):
        put(tmp_path / "none" / "shop.db")


def test_a_database_that_cannot_be_written_is_denied(tmp_path, monkeypatch):
    path = tmp_path / "shop.db"
    put(path)
    monkeypatch.setattr(
        SqliteTableSink,
        "connect",
        lambda self, *, write: sqlite3.connect(
            f"{path.as_uri()}?mode=ro", uri=True, isolation_level=None
        ),
    )
    with pytest.raises(
        AccessDenied, match="cannot be written .SQLITE_READONLY.; allow"
    ):
        put(path)


def test_a_locked_database_is_unavailable(tmp_path):
    path = tmp_path / "shop.db"
    put(path)
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageUnavailable, match="SQLITE_BUSY.*run again"):
            put(path)
    assert put(path).duplicates == 1


class Numbered(GivenRecords):
    """Records 1 to `last`, of which a run reads those after the state that it finds."""

    def __init__(self, last, meanwhile=lambda: None):
        self.last, self.meanwhile = last, meanwhile

    def plan(self, ledger):
        yield Split("s", {"after": (ledger.state or {}).get("last", 0)})

    def read(self, split):
        yield batch(*range(split.data["after"] + 1, self.last + 1))
        self.meanwhile()

    def next_state(self, done):
        return {"last": self.last}


@pytest.mark.parametrize("mode", ["append", "upsert"])
def test_a_table_dropped_during_a_run_has_all_rows_after_the_next_run(tmp_path, mode):
    path = tmp_path / "shop.db"

    def run(source):
        execute(pipeline(source, sink(path))._replace(write_modes=[mode]))
        with closing(sqlite3.connect(path)) as database:
            return database.execute("SELECT count(*) FROM orders").fetchone()[0]

    def drop():
        with closing(sqlite3.connect(path)) as database, database:
            database.execute("DROP TABLE orders")

    assert run(Numbered(2)) == 2
    assert run(Numbered(3, drop)) == 1
    assert run(Numbered(3)) == 3
