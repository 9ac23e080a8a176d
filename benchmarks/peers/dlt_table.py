"""The same table by dlt: its `sql_table`, with one of its backends, to parquet files.

BACKEND ROWS FOLDER URI, with `sqlalchemy` (dlt's default) or `pyarrow`. Prints the
processor time of the work itself, and how many rows there are afterwards.
"""

# dlt is in the peers' environment only.
# mypy: disable-error-code="import-not-found"

import json
import os
import sys
import time

os.environ |= {
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "RUNTIME__LOG_LEVEL": "ERROR",
}

import dlt
from dlt.sources.sql_database import sql_table


def main(backend: str, rows: str, folder: str, uri: str) -> None:
    """Load the table into a folder of parquet files."""
    pipeline = dlt.pipeline(
        "shop",
        pipelines_dir=f"{folder}/state",
        destination=dlt.destinations.filesystem(bucket_url=f"{folder}/data"),
        dataset_name="shop",
    )
    address = uri.replace("postgresql://", "postgresql+psycopg2://")
    table = sql_table(
        credentials=address, table="orders", backend=backend, chunk_size=50_000
    )
    began = time.process_time()
    pipeline.run(table, loader_file_format="parquet", write_disposition="append")
    taken = time.process_time() - began
    children = os.times()  # dlt may normalise in other processes
    taken += children.children_user + children.children_system
    counts = pipeline.last_trace.last_normalize_info.row_counts
    found = counts.get("orders", 0)
    if found != int(rows):
        sys.exit(f"dlt_table: {found} rows instead of {rows}")
    print(json.dumps({"seconds": taken, "rows": found}))


if __name__ == "__main__":
    main(*sys.argv[1:])
