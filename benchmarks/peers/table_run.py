"""Rows of a table into a checkpoint, by the framework and by polars alone.

Run by the interpreter that the framework is installed for: `table_run.py WHAT ROWS
FOLDER [URI]`. Prints the processor time of the work itself, imports and set-up left
out, and how many rows there are afterwards.

- `frames`, `frames-upsert` and `frames-bare`: frames of six columns that are there
  already.
- `postgres` and `postgres-bare`: a table of PostgreSQL, read by the source `sql-table`
  and with ADBC.
- `change` and `change-bare`: two rows of a checkpoint change.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path += filter(None, [os.environ.get("BENCHMARK_PACKAGES")])  # ADBC

import polars as pl

FRAME_ROWS = 100_000
SCHEMA = pl.Schema(
    {
        "id": pl.Int64(),
        "customer": pl.String(),
        "price": pl.Float64(),
        "quantity": pl.Int32(),
        "day": pl.Date(),
        "updated_at": pl.Datetime("us", "UTC"),
    }
)
BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
TABLE = """
    CREATE TABLE orders AS SELECT i::bigint AS id,
        'customer-' || (i * 7919::bigint % 50021) AS customer,
        (i * 104729::bigint % 1000003) / 100.0::float8 AS price,
        (i % 17)::int AS quantity,
        DATE '2024-01-01' + (i % 365)::int AS day,
        TIMESTAMPTZ '2024-01-01 00:00:00+00' + i * interval '31 seconds'
            + (i * 7919::bigint % 2592000) * interval '1 second' AS updated_at
    FROM generate_series(1, {rows}) i
"""
"""Orders that were updated up to thirty days after they were made."""


def frame(begin: int, rows: int) -> pl.DataFrame:
    """Return the orders from number `begin` on, as the table has them."""
    number = pl.int_range(begin, begin + rows, dtype=pl.Int64, eager=True).alias("id")
    i = pl.col("id")
    seconds = i * 31 + i * 7919 % 2592000
    return number.to_frame().select(
        i,
        customer="customer-" + (i * 7919 % 50021).cast(pl.String),
        price=(i * 104729 % 1000003) / 100.0,
        quantity=(i % 17).cast(pl.Int32),
        day=pl.lit(BEGIN.date()) + pl.duration(days=i % 365),
        updated_at=(pl.lit(BEGIN) + pl.duration(seconds=seconds)).cast(
            SCHEMA["updated_at"]
        ),
    )


def frames(rows: int) -> list[pl.DataFrame]:
    """Return all orders, in frames."""
    return [
        frame(begin, min(FRAME_ROWS, rows + 1 - begin))
        for begin in range(1, rows + 1, FRAME_ROWS)
    ]


def orders(
    folder: Path, fetch: Callable[[Any], pl.DataFrame], mode: str = "append"
) -> Callable[[], int]:
    """Return a run of a report of a table source and a checkpoint."""
    from reporting_framework import TableInfo, TableSettings, TableSource

    class Orders(TableSource):
        name = "orders"
        Settings = TableSettings

        def table_info(self) -> TableInfo:
            return TableInfo("orders", ["id"], SCHEMA, cursor="updated_at")

        def fetch(self, query: Any) -> pl.DataFrame:
            return fetch(query)

    return report(folder, Orders(TableSettings()), mode)


def sql_table(folder: Path, uri: str) -> Callable[[], int]:
    """Return a run of a report of the source ``sql-table`` and a checkpoint."""
    from reporting_sql.source import SqlTable

    settings = {"url": uri, "table": "orders", "cursor": "updated_at"}
    return report(folder, SqlTable(SqlTable.Settings(**settings)), "append")


def report(folder: Path, source: Any, mode: str) -> Callable[[], int]:
    """Return a run of a report of a source of orders and a checkpoint."""
    from reporting_framework import SOURCE_KEY
    from reporting_framework.builtin.engine import LocalEngine
    from reporting_framework.builtin.frame_validator import FrameValidator
    from reporting_framework.execution.pipeline import Pipeline
    from reporting_framework.execution.runner import run
    from reporting_framework.registry.registry import Registry
    from reporting_object_store.parquet_sink.sink import ParquetCheckpoint

    def work() -> int:
        validator = FrameValidator(FrameValidator.Settings())
        validator.bind(SCHEMA)
        settings = {
            "uri": str(folder / "orders.parquet"),
            "timestamp": "updated_at",
            "mode": mode,
        }
        pipeline = Pipeline(
            report="orders",
            source=source,
            validator=validator,
            transforms=[],
            sinks=[ParquetCheckpoint(ParquetCheckpoint.Settings(**settings))],
            engine=LocalEngine(LocalEngine.Settings()),
            schema=pl.Schema({**SCHEMA, SOURCE_KEY: pl.String()}),
            write_modes=[mode],  # type: ignore[list-item]  # it is one of them
        ).guarded()
        result = run(pipeline, lifecycle=Registry().lifecycle())
        if not result.complete or result.rejected:
            sys.exit(f"table_run: not what was asked: {result.model_dump_json()}")
        return sum(output.rows for output in result.outputs)

    return work


def in_memory(made: Sequence[pl.DataFrame]) -> Callable[[Any], pl.DataFrame]:
    """Return `fetch` over frames, the rows of which are in the order of `id`."""

    def fetch(query: Any) -> pl.DataFrame:
        table = pl.concat(made)
        column = table[query.order[0]]
        if list(query.order) == ["id"]:
            low = query.after[0] if query.after else 0
            high = query.until[0] if query.until else table.height
            if query.descending:
                return table[high - 1 : high].select(query.columns)
            begin = low + query.offset
            return table[begin : min(high, begin + query.limit)].select(query.columns)
        kept = pl.lit(value=True)
        if query.floor is not None:
            kept &= pl.col(query.order[0]) >= query.floor
        if query.until is not None:
            kept &= ~_beyond(query.order, query.until)
        if query.after is not None:
            kept &= _beyond(query.order, query.after)
        if query.descending and query.limit == 1 and query.until is None:
            return table[[column.arg_max()]].select(query.columns)
        rows = table.lazy().filter(kept).sort(query.order, descending=query.descending)
        return rows.slice(query.offset, query.limit).select(query.columns).collect()

    return fetch


def _beyond(order: Sequence[str], values: Sequence[Any]) -> pl.Expr:
    """Return whether a row comes after one with these values."""
    (first, *rest), (value, *others) = order, values
    column = pl.col(first)
    later: pl.Expr = column > value
    same: pl.Expr = column == value
    return later | (same & _beyond(rest, others)) if others else later


def prepared(what: str, rows: int, folder: Path, uri: str = "") -> Callable[[], int]:
    """Return the work, ready to be measured."""
    target = folder / "bare.parquet"
    if what == "frames":
        return orders(folder, in_memory(frames(rows)))
    if what == "frames-upsert":
        return orders(folder, in_memory(frames(rows)), "upsert")
    if what == "frames-bare":
        made = frames(rows)

        def write() -> int:
            table = pl.concat(made)
            table.write_parquet(target, compression="zstd")
            return table.height

        return write
    if what == "postgres":
        return sql_table(folder, uri)
    if what == "postgres-bare":
        import adbc_driver_postgresql.dbapi as driver

        connection = driver.connect(uri)

        def copy() -> int:
            with connection.cursor() as cursor:
                cursor.execute("SELECT * FROM orders")
                stream = pl.scan_arrow_c_stream(cursor.fetch_arrow())
                stream.sink_parquet(target, compression="zstd")
            return rows

        return copy
    if what == "change":
        made = frames(rows)
        newest: Any = pl.concat(made)["updated_at"].max()
        changed = [rows // 3, rows // 2]
        table = pl.concat(made).with_columns(
            pl.when(pl.col("id").is_in(changed))
            .then(pl.lit(newest + timedelta(hours=2)))
            .otherwise("updated_at")
            .alias("updated_at")
        )
        return orders(folder, in_memory([table]), "upsert")

    def rewrite() -> int:
        scan = pl.scan_parquet(folder / "orders.parquet")
        scan.sink_parquet(target, compression="zstd")
        return rows

    return rewrite


def main() -> None:
    """Measure one of them."""
    what, rows, folder, *uri = sys.argv[1:]
    work = prepared(what, int(rows), Path(folder), *uri)
    began = time.process_time()
    made = work()
    taken = time.process_time() - began
    print(json.dumps({"seconds": taken, "rows": made}))


if __name__ == "__main__":
    main()
