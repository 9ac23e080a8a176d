"""Rows of a Delta table: a table to begin with, and what delta-rs alone does.

Run by the interpreter that the framework is installed for: `delta_run.py WHAT ROWS
FOLDER`. Prints how many rows there are afterwards.

- `table`: a table of so many visits, made by the sink; nothing if it is there.
- `versions`: the same, with the columns of an upsert.
- `events`: the 1,000 visits after these as files in FOLDER/events, and as FOLDER/new.
- `append`: 1,000 rows appended by `write_deltalake` alone.
- `upsert`: 1,000 rows of all partitions changed by the sink.
- `merge`: the same by delta-rs' `merge` alone.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

    from reporting_delta.sink import DeltaTableSink
    from reporting_framework import WriteMode

PIECE = 100_000
NEW = 1_000
STUDIES = ["adrc", "clariti", "dlb"]
BEGIN = 1_400_000_000
APART = 25


def visits(first: int, rows: int) -> pl.DataFrame:
    """Return visits, one every 25 seconds from 2014 on."""
    import polars as pl

    number = pl.int_range(first, first + rows, dtype=pl.Int64)
    text = {
        "action": pl.lit("submit"),
        "project_label": pl.lit("ingest-form-main"),
        "center_label": pl.format("center-{}", number % 60),
        "gear_name": pl.lit("identifier-lookup"),
        "ptid": pl.format("SYN{}", number.hash(1) % 9_000_000 + 1_000_000),
        "visit_number": (number % 20).cast(pl.String),
        "datatype": pl.lit("form"),
        "module": pl.lit("UDS"),
        "packet": pl.lit("I"),
    }
    moment = pl.from_epoch((BEGIN + number * APART) * 1_000_000, "us")
    text |= {
        "study": (number % 3).replace_strict(range(3), STUDIES),
        "pipeline_adcid": (number % 60).cast(pl.Int32),
        "visit_date": moment.dt.date(),
        "timestamp": moment.dt.replace_time_zone("UTC"),
        "source_key": pl.format(
            "log-{}-submit-42.json", moment.dt.strftime("%Y%m%d-%H%M%S")
        ),
    }
    return pl.select([value.alias(name) for name, value in text.items()])


def sink(folder: Path, mode: WriteMode) -> DeltaTableSink:
    """Return the sink at the beginning of a run."""
    from reporting_delta.sink import DeltaTableSink

    made = DeltaTableSink(
        DeltaTableSink.Settings(
            uri=str(folder), partition_by=("study",), timestamp="timestamp"
        )
    )
    made.open(visits(0, 1).schema, mode)
    made.ledger()
    return made


def table(rows: int, folder: Path, mode: WriteMode = "append") -> int:
    """Make a table; each commit has a million rows."""
    from reporting_framework import Split

    if folder.exists():
        return rows
    for begin in range(0, rows, 10 * PIECE):
        own = sink(folder, mode)
        parts = []
        for first in range(begin, min(begin + 10 * PIECE, rows), PIECE):
            part = visits(first, min(PIECE, rows - first))
            part = part if mode == "append" else versioned(part, "1")
            parts.append(own.stage(part, Split(str(first), {}), 0))
        own.commit(parts)
        own.close()
    return rows


def versioned(frame: pl.DataFrame, version: str) -> pl.DataFrame:
    """Return rows with the columns of an upsert."""
    import polars as pl

    from reporting_framework import DELETED_AT, VERSION

    gone = pl.lit(None, pl.Datetime("us", "UTC")).alias(DELETED_AT)
    return frame.with_columns(pl.lit(version).alias(VERSION), gone)


def events(rows: int, folder: Path) -> int:
    """Write the visits after the first ones, for a run and for an append."""
    new = visits(rows, NEW)
    new.write_parquet(folder / "new")
    (folder / "events").mkdir()
    for record in new.iter_rows(named=True):
        name = record.pop("source_key")
        moment = record["timestamp"].isoformat().replace("+00:00", "Z")
        record |= {"timestamp": moment, "visit_date": str(record["visit_date"])}
        (folder / "events" / name).write_text(json.dumps(record))
    return NEW


def append(rows: int, folder: Path) -> int:
    """Append the rows of a file."""
    import polars as pl
    from deltalake import DeltaTable, write_deltalake

    new = pl.read_parquet(folder.parent / "new")
    write_deltalake(DeltaTable(folder), new, mode="append")
    return rows + new.height


def changed(rows: int) -> pl.DataFrame:
    """Return 1,000 rows of a new version, from all over the table."""
    import polars as pl

    every = max(1, rows // NEW)
    picked = pl.concat(visits(at, 1) for at in range(0, every * NEW, every))
    return versioned(picked.with_columns(packet=pl.lit("F")), "2")


def upsert(rows: int, folder: Path) -> int:
    """Change rows by the sink."""
    from reporting_framework import Split

    own = sink(folder, "upsert")
    result = own.commit([own.stage(changed(rows), Split("s", {}), 0)])
    own.close()
    return result.outputs[0].rows


def merge(rows: int, folder: Path) -> int:
    """Change rows by `merge`."""
    from deltalake import DeltaTable

    DeltaTable(folder).merge(
        changed(rows),
        predicate="t.source_key = s.source_key",
        source_alias="s",
        target_alias="t",
    ).when_matched_update_all().when_not_matched_insert_all().execute()
    return rows


def main() -> None:
    """Do one of them."""
    what, rows, place = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    if what == "table":
        made = table(rows, place)
    elif what == "versions":
        made = table(rows, place, "upsert")
    elif what == "events":
        made = events(rows, place)
    else:
        began = time.process_time()
        work = {"append": append, "upsert": upsert, "merge": merge}[what]
        made = work(rows, place)
        print(json.dumps({"rows": made, "seconds": time.process_time() - began}))
        return
    print(json.dumps({"rows": made}))


if __name__ == "__main__":
    main()
