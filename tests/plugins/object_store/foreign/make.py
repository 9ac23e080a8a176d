"""Makes the files beside it: the rows of `ROWS` as other programs write them. Needs pyarrow, pandas and duckdb.

They are kept so that the tests need none of these: `python tests/plugins/object_store/foreign/make.py`.
"""

from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).parent
ROWS = {
    "study": ["a", "b", "a"],
    "note": ["x", None, "é"],
    "number": [1, None, 3],
    "small": [1, 2, 3],
    "share": [0.5, None, 1.0],
    "good": [True, False, True],
    "day": [date(2024, 1, 1), None, date(2024, 1, 3)],
    "source_key": ["a.json", "b.json", "c.json"],
}
MOMENTS = [datetime(2024, 1, 1, 0, minute, tzinfo=UTC) for minute in range(3)]
TYPES = {
    "study": pa.string(),
    "note": pa.string(),
    "number": pa.int64(),
    "small": pa.int32(),
    "share": pa.float64(),
    "good": pa.bool_(),
    "day": pa.date32(),
    "source_key": pa.string(),
}


def arrow(moment, **types):
    columns = {
        name: pa.array(ROWS[name]).cast({**TYPES, **types}[name]) for name in ROWS
    }
    return pa.table({**columns, "timestamp": pa.array(MOMENTS, type=moment)})


def utc(unit):
    return pa.timestamp(unit, tz="UTC")


for name, zone in {
    "etc-utc": "Etc/UTC",
    "offset": "+00:00",
    "berlin": "Europe/Berlin",
}.items():
    pq.write_table(arrow(pa.timestamp("us", tz=zone)), HERE / f"arrow-{name}.parquet")
category = pa.dictionary(pa.int8(), pa.string())
pq.write_table(
    arrow(
        utc("ms"), study=pa.large_string(), source_key=pa.string_view(), note=category
    ),
    HERE / "arrow-strings.parquet",
    write_statistics=False,
)
pq.write_table(
    arrow(utc("ns"), study=category, source_key=category),
    HERE / "arrow-categories.parquet",
)
more = arrow(utc("us")).append_column("nothing", pa.nulls(3))
more = more.append_column("deep", pa.array([{"a": [1]}, None, {"a": []}]))
pq.write_table(
    more.append_column("kind", pa.array(["u", None, "v"]).cast(category)),
    HERE / "arrow-more.parquet",
)
pq.write_table(arrow(pa.timestamp("us")), HERE / "arrow-no-zone.parquet")

frame = pd.DataFrame({**ROWS, "timestamp": MOMENTS})
frame["day"] = frame["day"].astype(str).where(frame["day"].notna(), None)
frame.sort_values("timestamp", ascending=False).to_parquet(
    HERE / "pandas-unsorted.parquet"
)

database = duckdb.connect()
database.register("rows", arrow(utc("us")))
database.execute(
    "copy (select * replace (number::hugeint as number, small::tinyint as small, study::enum('a', 'b') as study) "
    f"from rows order by timestamp desc) to '{HERE}/duckdb-unsorted.parquet' (format parquet)"
)
