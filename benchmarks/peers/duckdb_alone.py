"""A query by DuckDB alone: QUERY CHECKPOINT OUT.

The answer is written to a parquet file, as ours is.
"""

import json
import sys
from pathlib import Path

import duckdb


def main(query: str, checkpoint: str, out: str) -> None:
    """Ask, and write the answer."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(
            f"CREATE VIEW events AS SELECT * FROM read_parquet('{checkpoint}')"
        )
        text = Path(query).read_text()
        connection.execute(
            f"COPY (\n{text}\n) TO '{out}' (FORMAT parquet, COMPRESSION zstd)"
        )
    print(json.dumps({"bytes": Path(out).stat().st_size}))


if __name__ == "__main__":
    main(*sys.argv[1:])
