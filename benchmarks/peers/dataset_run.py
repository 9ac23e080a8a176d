"""Rows of a table into a dataset of 100 partitions, by the sink and by polars alone.

Run by the interpreter that the framework is installed for: `dataset_run.py WHAT ROWS
FOLDER`. Prints the processor time of the work itself, imports and set-up left out, and
how many rows there are afterwards.

- `load` and `load-bare`: all rows, for the first time.
- `increment` and `increment-bare`: 1,000 new rows of one partition; polars reads all
  and writes all partitions again.
- `changes`: 1,000 rows change, in all partitions.
"""

import json
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl

PARTITIONS = 100
NEW = 1_000
FRAME_ROWS = 100_000


def frame(numbers: pl.Series, rows: int, version: str = "1") -> pl.DataFrame:
    """Return the rows of these numbers, with the columns of an upsert."""
    from reporting_framework import DELETED_AT, SOURCE_KEY, VERSION

    i = pl.col("id")
    return (
        numbers.alias("id")
        .to_frame()
        .select(
            i,
            part=(i * PARTITIONS // rows)
            .clip(upper_bound=PARTITIONS - 1)
            .cast(pl.Int32),
            customer="customer-" + (i * 7919 % 50021).cast(pl.String),
            price=(i * 104729 % 1000003) / 100.0,
            day=pl.date(2024, 1, 1) + pl.duration(days=i % 365),
            **{
                SOURCE_KEY: "orders/" + i.cast(pl.String).str.zfill(12),
                VERSION: pl.lit(version),
                DELETED_AT: pl.lit(None, pl.Datetime("us", "UTC")),
            },
        )
    )


def numbers(begin: int, count: int) -> pl.Series:
    """Return `count` numbers from `begin` on."""
    return pl.int_range(begin, begin + count, dtype=pl.Int64, eager=True)


def everything(rows: int) -> list[pl.DataFrame]:
    """Return all rows, in frames."""
    return [
        frame(numbers(begin, min(FRAME_ROWS, rows - begin)), rows)
        for begin in range(0, rows, FRAME_ROWS)
    ]


def commit(folder: Path, frames: Sequence[pl.DataFrame]) -> int:
    """Commit rows to the dataset, as a run does; return its number of rows."""
    from reporting_datasets.parquet_sink.sink import ParquetDataset
    from reporting_framework import DELETED_AT, VERSION, Split

    settings = {"uri": str(folder / "orders"), "partition_by": ["part"]}
    sink = ParquetDataset(ParquetDataset.Settings.model_validate(settings))
    sink.open(frames[0].drop(VERSION, DELETED_AT).schema, "upsert")
    sink.ledger()
    parts = [
        sink.stage(rows, Split(str(number), {}), 0)
        for number, rows in enumerate(frames)
    ]
    result = sink.commit(parts)
    sink.close()
    return result.outputs[0].rows


def write(folder: Path, table: pl.DataFrame) -> int:
    """Write a file for each partition with polars."""
    for (part,), rows in table.partition_by("part", as_dict=True).items():
        place = folder / f"part={part}"
        place.mkdir(parents=True, exist_ok=True)
        rows.write_parquet(place / "rows.parquet", compression="zstd")
    return table.height


def prepared(what: str, rows: int, folder: Path) -> Callable[[], int]:
    """Return the work, ready to be measured."""
    from reporting_framework import SOURCE_KEY

    bare = folder / "bare"
    if what == "load":
        made = everything(rows)
        return lambda: commit(folder, made)
    if what == "load-bare":
        made = everything(rows)
        return lambda: write(bare, pl.concat(made).sort(SOURCE_KEY))
    new = frame(numbers(rows, NEW), rows)
    if what == "increment-bare":
        write(bare, pl.concat(everything(rows)).sort(SOURCE_KEY))

        def rewrite() -> int:
            old = pl.scan_parquet(bare, hive_partitioning=False).collect()
            table = pl.concat([old, new]).unique(SOURCE_KEY, keep="last")
            return write(folder / "again", table.sort(SOURCE_KEY))

        return rewrite
    commit(folder, everything(rows))
    if what == "increment":
        return lambda: commit(folder, [new])
    changed = frame(numbers(0, rows).gather_every(rows // NEW), rows, "2")
    return lambda: commit(folder, [changed])


def main() -> None:
    """Measure one of them."""
    what, rows, place = sys.argv[1:]
    folder = Path(place)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    work = prepared(what, int(rows), folder)
    began = time.process_time()
    made = work()
    print(json.dumps({"seconds": time.process_time() - began, "rows": made}))


if __name__ == "__main__":
    main()
