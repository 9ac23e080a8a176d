"""A large checkpoint, with the columns of a small one: SMALL OUT ROWS.

Does nothing if it is there already.

Rows are made in pieces of a million, sorted by (timestamp, source_key), one every 25
seconds and every hundredth in the same second as the one before; ten million end in
December 2022, before the events of `benchmarks.generate` begin.
"""

import json
import os
import sys
from collections.abc import Iterator

import polars as pl
from polars.io.plugins import register_io_source

PIECE = 1_000_000
SECONDS_APART = 25
END = 1_672_000_000  # 2022-12-25T20:26:40Z
STUDIES = ["adrc", "dlb", "clariti"]
ACTIONS = ["submit", "pass-qc", "not-pass-qc", "delete"]


def _piece(first: int, rows: int, total: int, columns: list[str]) -> pl.DataFrame:
    number = pl.int_range(first, first + rows, dtype=pl.Int64)
    second = END - (total - number - (number % 100 == 1).cast(pl.Int64)) * SECONDS_APART
    ptid = pl.format("SYN{}", (number.hash(1) % 9_000_000 + 1_000_000).cast(pl.String))
    frame = pl.select(
        action=number.hash(2) % len(ACTIONS),
        study=number.hash(3) % len(STUDIES),
        pipeline_adcid=(number.hash(4) % 60).cast(pl.Int32),
        ptid=ptid,
        visit_number=(number.hash(5) % 20).cast(pl.String),
        datatype=pl.lit("form"),
        gear_name=pl.lit("identifier-lookup"),
        module=pl.lit("UDS"),
        packet=pl.when(number.hash(6) % 10 > 0).then(pl.lit("I")),
        timestamp=pl.from_epoch(second * 1_000_000, "us").dt.replace_time_zone("UTC"),
    )
    named = frame.with_columns(
        action=pl.col("action").replace_strict(range(len(ACTIONS)), ACTIONS),
        study=pl.col("study").replace_strict(range(len(STUDIES)), STUDIES),
        center_label=pl.format("center-{}", "pipeline_adcid"),
        visit_date=pl.col("timestamp").dt.date(),
    ).with_columns(project_label=pl.format("ingest-form-{}-main", "study"))
    moment = pl.col("timestamp").dt.strftime("%Y%m%d-%H%M%S")
    parts = (
        "action",
        moment,
        "pipeline_adcid",
        "project_label",
        "ptid",
        "visit_number",
    )
    keyed = named.with_columns(
        source_key=pl.format("log-{}-{}-{}-{}-{}-{}.json", *parts)
    )
    return keyed.sort("timestamp", "source_key").select(columns)


def _pieces(total: int, columns: list[str]) -> Iterator[pl.DataFrame]:
    for first in range(0, total, PIECE):
        yield _piece(first, min(PIECE, total - first), total, columns)


def main(small: str, out: str, rows: str) -> None:
    """Write the checkpoint, in the order of columns and the types of `small`.

    Raises:
        TypeError: `small` has a column that is not made here, or of another type.
    """
    schema = pl.read_parquet_schema(small)
    if not (os.path.exists(out) and pl.read_parquet_schema(out) == schema):
        piece_schema = _piece(0, 1, 1, list(schema)).schema
        if piece_schema != schema:
            raise TypeError(
                f"the program's checkpoint has {schema}, made is {piece_schema}"
            )
        source = register_io_source(
            lambda *_: _pieces(int(rows), list(schema)), schema=schema
        )
        source.sink_parquet(
            f"{out}.part", compression="zstd", row_group_size=16_384, statistics=True
        )
        os.replace(f"{out}.part", out)
    print(json.dumps({"rows": int(rows), "bytes": os.path.getsize(out)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
