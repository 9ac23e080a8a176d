"""The least that any program must do.

Read each file, check it, make one frame, write it. FOLDER OUT.
"""

import json
import os
import sys
from typing import Any

import polars as pl
from benchmarks.peers.event import EVENTS, SCHEMA

READ_AT_MOST = 1 << 20


def main(folder: str, out: str) -> None:
    """Write the valid events of a folder to a parquet file."""
    check = EVENTS.validate_json
    rows: list[dict[str, Any]] = []
    rejected = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            file = os.open(entry.path, os.O_RDONLY)  # a third of the time of `open`
            payload = os.read(file, READ_AT_MOST)
            os.close(file)
            try:
                event = check(payload)
            except ValueError:
                rejected += 1
                continue
            rows.append({**event, "source_key": entry.name})
    pl.DataFrame(rows, schema=SCHEMA).write_parquet(out, compression="zstd")
    print(json.dumps({"accepted": len(rows), "rejected": rejected}))


if __name__ == "__main__":
    main(*sys.argv[1:])
