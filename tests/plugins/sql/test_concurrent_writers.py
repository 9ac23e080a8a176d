"""The table equals its source after writers and runs at the same time.

Writers insert, update and delete rows in transactions that commit late, with equal
cursors; a seed replays their statements.
"""

import random
import threading
import time

import polars as pl
import pytest

from reporting_framework import run_report

ROWS = 60
CI_SEEDS = 3
TRANSACTIONS = 25
MAX_DELAY_SECONDS = 0.05

TABLE = """
CREATE TABLE orders (
    id int PRIMARY KEY, item text, price numeric(10,2), updated_at timestamptz NOT NULL
)
"""

REPORT = """
[reports.orders]
source    = {{ use = "sql-table", url = "{url}", table = "orders", cursor = "updated_at", lookback = 5, infer_deletes = true, page_rows = 7, split_rows = 20, partitions = 2 }}
validator = {{ use = "frame" }}
sinks     = [{{ use = "parquet-checkpoint", uri = "{out}/orders.parquet", mode = "upsert" }}]
"""


def change(connection, seed):
    """Run random transactions; the time of a row is that of its statement."""
    chance = random.Random(seed)
    for _ in range(TRANSACTIONS):
        statements = []
        for _ in range(chance.randint(1, 4)):
            number = chance.randint(1, ROWS)
            if chance.random() < 0.25:
                statements.append(f"DELETE FROM orders WHERE id = {number}")
            else:
                # whole seconds: many rows have the same cursor
                statements.append(
                    f"INSERT INTO orders VALUES ({number}, 'i{chance.random()}',"
                    f" {chance.randint(0, 999)} / 100.0,"
                    " date_trunc('second', clock_timestamp()))"
                    " ON CONFLICT (id) DO UPDATE SET item = excluded.item,"
                    " price = excluded.price, updated_at = excluded.updated_at"
                )
        # in one order, so that two writers do not wait for each other
        statements.sort(key=lambda text: int("".join(filter(str.isdigit, text[:44]))))
        connection.run("BEGIN", *statements)
        time.sleep(chance.random() * MAX_DELAY_SECONDS)
        connection.run("ROLLBACK" if chance.random() < 0.1 else "COMMIT")


def live(out):
    """Return the rows of the table of the report that are not deleted."""
    frame = pl.read_parquet(f"{out}/orders.parquet")
    columns = ["id", "item", "price", "updated_at"]
    alive = frame.filter(pl.col("_deleted_at").is_null())
    return alive.select(columns).sort("id").rows()


def check(seed, url, writer, out):
    config = out / "reporting.toml"
    config.write_text(REPORT.format(url=url, out=out))
    opened = [writer(url) for _ in range(3)]
    opened[0].run("DROP TABLE IF EXISTS orders", TABLE)
    threads = [
        threading.Thread(target=change, args=(connection, (seed, number).__hash__()))
        for number, connection in enumerate(opened[1:])
    ]
    for thread in threads:
        thread.start()
    runs = 0
    while runs < 2 or any(thread.is_alive() for thread in threads):
        result = run_report("orders", {"full_scan": runs % 4 == 3}, config=config)
        assert result.status == "ok", result
        runs += 1
    for thread in threads:
        thread.join()
    source = "SELECT id, item, price::text, updated_at FROM orders ORDER BY id"
    rows = [
        (number, item, pl.Series([price]).cast(pl.Decimal(10, 2)).item(), at)
        for number, item, price, at in opened[0].rows(source)
    ]
    run_report("orders", config=config)
    deleted = {row[0] for row in live(out)} - {row[0] for row in rows}
    assert [row for row in live(out) if row[0] not in deleted] == rows, seed
    run_report("orders", {"full_scan": True}, config=config)
    assert live(out) == rows, seed
    for connection in opened:
        connection.close()


@pytest.mark.parametrize("seed", range(CI_SEEDS))
def test_the_table_equals_its_source(postgres_url, writer, tmp_path, seed):
    check(seed, postgres_url, writer, tmp_path)


@pytest.mark.slow
def test_the_table_equals_its_source_with_many_seeds(postgres_url, writer, tmp_path):
    for seed in range(100):
        out = tmp_path / str(seed)
        out.mkdir()
        check(seed, postgres_url, writer, out)
