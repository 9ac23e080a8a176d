"""The table of the old objects of `benchmarks.scale_objects`, made by a sink.

Run by the interpreter that the framework is installed for: `scale_table.py SINK
SETTINGS OBJECTS LINES NAMES`. Each object has so many rows; names begin with the time
if NAMES is `dated`. Prints how many rows there are.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

    from reporting_framework import Sink

PIECE = 1_000_000


def rows(first: int, count: int, lines: int, *, dated: bool = False) -> pl.DataFrame:
    """Return `count` rows from row `first` on; row 0 is of the oldest object."""
    import polars as pl
    from benchmarks.scale_objects import ACTIONS, APART, END, STUDIES

    row = pl.int_range(first, first + count, dtype=pl.Int64)
    number, line = row // lines, row % lines  # of the object, counted below 0
    moment: pl.Expr = pl.lit(END) + number * pl.lit(APART)
    ptid = pl.format("SYN{}", (number % 10_000_000).cast(pl.String).str.zfill(7))
    action = (number % 4).replace_strict(range(4), ACTIONS)
    parts = [action, moment.dt.strftime("%Y%m%d-%H%M%S")]
    begin = reversed(parts) if dated else parts
    name = pl.format("log-{}-{}-{}-forms-{}-1.json", *begin, number % 60, ptid)
    columns = {
        "action": action,
        "study": (number % 3).replace_strict(range(3), STUDIES),
        "pipeline_adcid": (number % 60).cast(pl.Int32),
        "project_label": pl.lit("ingest-form-main"),
        "center_label": pl.format("center-{}", number % 60),
        "gear_name": pl.lit("identifier-lookup"),
        "ptid": ptid,
        "visit_date": moment.dt.date(),
        "visit_number": (number % 20).cast(pl.String),
        "datatype": pl.lit("form"),
        "module": pl.lit("UDS"),
        "packet": pl.lit("I"),
        "timestamp": (moment + pl.duration(seconds=line)).dt.cast_time_unit("us"),
        "source_key": name if lines == 1 else pl.format("{}#{}", name, line + 1),
    }
    return pl.select([value.alias(title) for title, value in columns.items()])


def opened(use: str, settings: dict[str, object]) -> Sink:
    """Return the sink, opened to append."""
    from reporting_datasets.parquet_sink.sink import ParquetDataset
    from reporting_delta.sink import DeltaTableSink
    from reporting_object_store.parquet_sink.sink import ParquetCheckpoint

    sinks: dict[str, type[Sink]] = {
        "parquet-checkpoint": ParquetCheckpoint,
        "parquet-dataset": ParquetDataset,
        "delta-table": DeltaTableSink,
    }
    made = sinks[use](sinks[use].Settings.model_validate(settings))
    made.open(rows(-1, 1, 1).schema, "append")
    made.ledger()
    return made


def main(use: str, settings: str, objects: str, lines: str, names: str = "") -> None:
    """Write the rows in one commit."""
    from reporting_framework import CommitContext, Split

    sink, total, each = opened(use, json.loads(settings)), int(objects), int(lines)
    parts = [
        sink.stage(
            rows(first, min(PIECE, -first), each, dated=names == "dated"),
            Split(str(first), {}),
            0,
        )
        for first in range(-total * each, 0, PIECE)
    ]
    result = sink.commit(parts, CommitContext())
    sink.close()
    print(json.dumps({"rows": sum(output.rows for output in result.outputs)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
