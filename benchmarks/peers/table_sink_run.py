"""Upsert of orders into a table of PostgreSQL, by the sink and by ADBC alone.

Run by the interpreter that the framework is installed for: `table_sink_run.py WHAT ROWS
URI`. The table holds the first half of the orders in an older version. Prints the
processor time and the time of the work itself, and how many rows there are afterwards.

- `sink`: the frames are staged and committed by the sink `sql-table`.
- `bare`: `adbc_ingest` into a staging table, then `INSERT … ON CONFLICT`; the same
  columns, into the same table.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path += filter(None, [os.environ.get("BENCHMARK_PACKAGES")])  # ADBC
sys.path.insert(0, str(Path(__file__).parents[2]))

import polars as pl
from benchmarks.peers.table_run import SCHEMA, frames

from reporting_framework import DELETED_AT, SOURCE_KEY, VERSION, CommitContext, Split
from reporting_sql.table_sink import SqlTableSink

KEYED = pl.Schema({**SCHEMA, SOURCE_KEY: pl.String()})
LISTED = ", ".join([*KEYED, VERSION, DELETED_AT])


def versions(frame: pl.DataFrame, version: str) -> pl.DataFrame:
    """Return orders as a source delivers them."""
    return frame.with_columns(
        pl.format("orders/{}", "id").alias(SOURCE_KEY),
        pl.lit(version).alias(VERSION),
        pl.lit(None, pl.Datetime("us", "UTC")).alias(DELETED_AT),
    )


def upsert(uri: str, parts: Sequence[pl.DataFrame]) -> None:
    """Commit orders with the sink."""
    sink = SqlTableSink(SqlTableSink.Settings(url=uri, table="orders"))
    sink.open(KEYED, "upsert")
    staged = [
        sink.stage(part, Split(str(number), {}), 0) for number, part in enumerate(parts)
    ]
    sink.commit(staged, CommitContext(state={"run": 1}))
    sink.close()


def bare(connection: Any, parts: Sequence[pl.DataFrame]) -> None:
    """Commit orders with ADBC alone."""
    values = ", ".join(f"{n} = excluded.{n}" for n in [*KEYED, VERSION, DELETED_AT])
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE staging AS SELECT * FROM orders WHERE false")
        for part in parts:
            cursor.adbc_ingest("staging", part, mode="append")
        cursor.execute(
            f"INSERT INTO orders ({LISTED}) SELECT {LISTED} FROM staging"
            f" ON CONFLICT ({SOURCE_KEY}) DO UPDATE SET {values}"
        )
        cursor.execute("DROP TABLE staging")
    connection.commit()


def prepared(what: str, rows: int, uri: str) -> Callable[[], None]:
    """Return the work, ready to be measured."""
    import adbc_driver_postgresql.dbapi as driver

    connection = driver.connect(uri)
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS orders")
    connection.commit()
    orders = frames(rows)
    upsert(uri, [versions(part, "1") for part in orders[: len(orders) // 2]])
    with driver.connect(uri, autocommit=True) as other, other.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE orders")
        cursor.execute("CHECKPOINT")
    parts = [versions(part, "2") for part in orders]
    if what == "sink":
        return lambda: upsert(uri, parts)
    return lambda: bare(connection, parts)


def main() -> None:
    """Measure one of them."""
    what, rows, uri = sys.argv[1:]
    work = prepared(what, int(rows), uri)
    began, began_wall = time.process_time(), time.perf_counter()
    work()
    taken, wall = time.process_time() - began, time.perf_counter() - began_wall
    import adbc_driver_postgresql.dbapi as driver

    with driver.connect(uri) as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM orders WHERE {VERSION} = '2'")
        made = pl.DataFrame(cursor.fetch_arrow()).item()
    print(json.dumps({"seconds": taken, "time": wall, "rows": made}))


if __name__ == "__main__":
    main()
