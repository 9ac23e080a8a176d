"""Taps from PyPI: tap-jsonl, and tap-postgres on a real server."""

import json
import os
import shutil
import socket
import subprocess
import time
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from reporting_framework import ReportingError, run_report
from reporting_singer.environments import cache_folder, tap_program
from tests.docs.playing import DOCS, Player, blocks
from tests.support import postgresql

pytestmark = pytest.mark.slow

REPORT = """
[reports.tap]
source    = { use = "singer", command = ["tap-jsonl", "--config", "tap.json"], streams = ["*"] }
validator = { use = "frame" }
sinks     = [{ use = "parquet-checkpoint", uri = "out/tap/{stream}.parquet", mode = "upsert" }]

[reports.shop]
source    = { use = "singer", pip_url = "meltanolabs-tap-postgres==0.10.0", config = { host = "127.0.0.1", port = PORT, user = "test", password = "secret:env:SHOP_PASSWORD", database = "postgres", filter_schemas = ["public"] }, streams = ["public-*", "!*-log"], schemas = { "*orders" = { price = { multipleOf = 0.01, maximum = 99999999 } } }, metadata = { "public-orders" = { replication-method = "INCREMENTAL", replication-key = "updated_at" } } }
validator = { use = "frame" }
sinks     = [{ use = "parquet-checkpoint", uri = "out/{stream}.parquet", mode = "upsert" }]
"""


def installed(pip_url, executable):
    try:
        return tap_program(pip_url, executable, None, cache_folder(None))
    except ReportingError as error:
        pytest.skip(f"{pip_url} cannot be installed: {error}")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("reporting.toml").write_text(REPORT.replace("PORT", "5432"))
    return tmp_path


def rows(path, *columns):
    frame = pl.read_parquet(path).filter(pl.col("_deleted_at").is_null())
    return sorted(frame.select(columns).rows())


def test_tap_jsonl_as_in_the_report(folder, monkeypatch):
    program = installed("tap-jsonl==0.3.1", None)
    monkeypatch.setenv(
        "PATH", f"{Path(program).parent}{os.pathsep}{os.environ['PATH']}"
    )
    orders = [
        {"id": at, "at": "2024-01-01T00:00:00Z", "tags": [at]} for at in range(50)
    ]
    Path("orders.jsonl").write_text("\n".join(map(json.dumps, orders)))
    config = {"path": "orders.jsonl", "stream_name": "orders", "primary_keys": ["id"]}
    Path("tap.json").write_text(json.dumps(config))
    result = run_report("tap")
    assert (result.status, result.inserted) == ("ok", 50)
    assert run_report("tap").unchanged == 50
    orders[7]["tags"] = None
    Path("orders.jsonl").write_text("\n".join(map(json.dumps, orders)))
    later = time.time() + 60
    os.utime("orders.jsonl", (later, later))
    assert run_report("tap").updated == 50, "the version is the time of the file"
    assert rows("out/tap/orders.parquet", "id", "tags")[6:8] == [(6, "[6]"), (7, None)]


@pytest.mark.skipif(postgresql.programs() is None, reason="PostgreSQL is not installed")
def test_tap_postgres_reads_what_is_new(folder, monkeypatch):
    installed("meltanolabs-tap-postgres==0.10.0", "tap-postgres")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    others = [each for each in postgresql.OPTIONS if "listen" not in each]
    options = (*others, "listen_addresses=127.0.0.1", f"port={port}")
    monkeypatch.setattr(postgresql, "OPTIONS", options)
    monkeypatch.setenv("SHOP_PASSWORD", "none")
    Path("reporting.toml").write_text(REPORT.replace("PORT", str(port)))
    with postgresql.running(postgresql.programs()) as server:
        url = server.url(port=str(port))

        def run(*statements):
            for statement in statements:
                subprocess.run(
                    [
                        shutil.which("psql") or str(postgresql.programs() / "psql"),
                        "-qc",
                        statement,
                        url,
                    ],
                    check=True,
                )

        run(
            "CREATE TABLE orders (id int PRIMARY KEY, price numeric(10,2), big numeric, note jsonb,"
            " day date, updated_at timestamptz NOT NULL)",
            "CREATE TABLE log (id int)",
            "CREATE TABLE customers (name text, number bigint, PRIMARY KEY (name, number))",
            "INSERT INTO orders SELECT at, at + 0.25, at / 3::numeric, '{\"a\": [1]}', '2024-02-29',"
            " '2024-01-01T00:00:00Z'::timestamptz + at * '1 s'::interval FROM generate_series(1, 1000) at",
            "INSERT INTO customers VALUES ('a/b', 9007199254740993)",
        )
        result = run_report("shop")
        assert (result.status, result.inserted, result.rejected) == ("ok", 1001, 0)
        assert sorted(result.streams) == ["public-customers", "public-orders"]
        frame = pl.read_parquet("out/public-orders.parquet").sort("id")
        assert frame["price"].to_list()[:2] == [Decimal("1.25"), Decimal("2.25")]
        assert frame["updated_at"].dtype == pl.Datetime("us", "UTC")
        assert frame["day"].dtype == pl.Date()
        assert frame["source_key"][0] == "public-orders/1"
        assert rows("out/public-customers.parquet", "name", "number") == [
            ("a/b", 9007199254740993)
        ]
        run(
            "UPDATE orders SET note = NULL, updated_at = '2025-01-01' WHERE id = 5",
            "INSERT INTO orders VALUES (1001, 1, 1, NULL, NULL, '2025-01-02')",
        )
        result = run_report("shop")
        orders = result.streams["public-orders"]
        assert (orders.inserted, orders.updated) == (1, 1)
        assert orders.records_read < 10, "it continues at the state"
        assert len(rows("out/public-orders.parquet", "id")) == 1001


def test_the_page_shows_what_happens(tmp_path):
    program = installed("tap-jsonl==0.3.1", None)
    text = (DOCS / "how-to" / "run-a-singer-tap.md").read_text()
    player = Player(tmp_path)
    player.environment["PATH"] += f"{os.pathsep}{Path(program).parent}"
    part = text.partition("## A tap that is installed")[2].partition("## Choose")[0]
    assert player.play(blocks(part)) == ["reporting-run tap"]
