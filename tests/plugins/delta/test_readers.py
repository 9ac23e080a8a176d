"""Other programs read a Delta table: the same rows as the sink itself."""

import json
import subprocess
from datetime import UTC, datetime
from urllib.parse import unquote

import polars as pl
import pytest
from deltalake import DeltaTable

from reporting_framework import SOURCE_KEY, CommitContext
from tests.plugins.delta.tables import Table, prices, versioned

DUCKDB = "1.5.5"
"""Version whose extension `delta` is a wheel: DuckDB itself loads it from a site."""

READ = """
import importlib.resources, json, sys, duckdb
folder = importlib.resources.files("duckdb_extension_delta")
name = f"extensions/v{duckdb.__version__}/delta.duckdb_extension"
connection = duckdb.connect()
connection.execute(f"LOAD '{folder / name}'")
found = connection.execute(
    "SELECT year, price, source_key, _version, epoch_us(_deleted_at) FROM"
    " delta_scan(?) ORDER BY source_key", [sys.argv[1]]
)
print(json.dumps(found.fetchall()))
"""


@pytest.fixture
def table(tmp_path):
    """A table after inserts, changes, a delete, a new column and a compaction.

    Its folder also has files of earlier versions, and one that no commit has.
    """
    made = Table(tmp_path / "out" / "prices", "upsert")
    made.run(prices(range(40)), context=CommitContext(state={"at": 1}))
    made.run(versioned(prices([3, 21, 45]), "2"))
    gone = prices([4]).with_columns(pl.lit(None, pl.Int64).alias("year"), price=None)
    made.run(versioned(gone, "2", datetime(2024, 1, 1, tzinfo=UTC)))
    made.sink().compact()
    made.run(versioned(prices([22]), "3"))
    made.staged(prices([99]))  # and never committed
    return made


def due(table):
    """Rows as the sink reads them."""
    rows = table.sink().scan().collect().sort(SOURCE_KEY)
    assert rows.height == 41
    assert rows["_version"].value_counts(sort=True).rows() == [
        ("1", 36),
        ("2", 4),
        ("3", 1),
    ]
    return [
        (*row[:-1], row[-1] and int(row[-1].timestamp()) * 1_000_000)
        for row in rows.select(
            "year", "price", SOURCE_KEY, "_version", "_deleted_at"
        ).rows()
    ]


def in_order(rows):
    chosen = rows.sort(SOURCE_KEY).select(
        "year",
        "price",
        SOURCE_KEY,
        "_version",
        pl.col("_deleted_at").dt.epoch("us"),
    )
    return chosen.rows()


def test_polars_and_delta_rs_read_the_same_rows(table):
    assert in_order(pl.scan_delta(table.uri).collect()) == due(table)
    assert in_order(table.rows()) == due(table)


@pytest.mark.slow
def test_duckdb_reads_the_same_rows(table):
    """By its own extension, of another version of DuckDB than that of the framework."""
    wanted = [f"duckdb=={DUCKDB}", f"duckdb-extension-delta=={DUCKDB}"]
    words = [word for one in wanted for word in ("--with", one)]
    alone = ["uv", "run", "--no-project", "--isolated", *words]
    done = subprocess.run(
        [*alone, "python", "-c", READ, table.uri],
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.returncode, done.stderr[-2000:]
    assert [tuple(row) for row in json.loads(done.stdout)] == due(table)


@pytest.mark.slow
def test_spark_reads_the_same_rows(table, monkeypatch):
    """Files that the log names, without the connector, which is a JAR of its own."""
    pytest.importorskip("pyspark", reason="hatch run spark:test installs pyspark")
    from pyspark.sql import SparkSession

    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    files = [unquote(uri) for uri in DeltaTable(table.uri).file_uris()]
    builder = SparkSession.builder.master("local[1]")
    session = builder.config("spark.ui.enabled", "false").getOrCreate()
    try:
        frame = session.read.option("basePath", table.uri).parquet(*files)
        found = frame.selectExpr(
            "CAST(year AS long)",
            "price",
            "source_key",
            "_version",
            "unix_micros(_deleted_at)",
        )
        rows = sorted((tuple(row) for row in found.collect()), key=lambda row: row[2])
        assert rows == due(table)
    finally:
        session.stop()
