"""The least that any program must do with many events in each file, one a line.

Read each file, check each line, make one frame, write it. FOLDER OUT.
"""

import json
import sys
from pathlib import Path
from typing import Any

import polars as pl
from benchmarks.peers.event import EVENTS, SCHEMA


def main(folder: str, out: str) -> None:
    """Write the valid events of all lines to a parquet file."""
    check = EVENTS.validate_json
    rows: list[dict[str, Any]] = []
    rejected = 0
    for path in sorted(Path(folder).iterdir()):
        for number, line in enumerate(path.read_bytes().splitlines(), 1):
            try:
                event = check(line)
            except ValueError:
                rejected += 1
                continue
            rows.append({**event, "source_key": f"{path.name}#{number}"})
    pl.DataFrame(rows, schema=SCHEMA).write_parquet(out, compression="zstd")
    print(json.dumps({"accepted": len(rows), "rejected": rejected}))


if __name__ == "__main__":
    main(*sys.argv[1:])
