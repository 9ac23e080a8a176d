"""A large checkpoint as a file for each month of its timestamp: LARGE FOLDER.

Does nothing if the folder is there already.
"""

import json
import os
import sys
from pathlib import Path

import polars as pl


def main(large: str, out: str) -> None:
    """Write the months, each as `benchmarks.peers.make_checkpoint` writes all."""
    folder = Path(out)
    if not folder.exists():
        part = folder.with_name(f"{folder.name}.part")
        part.mkdir(exist_ok=True)
        rows = pl.scan_parquet(large)
        moment = pl.col("timestamp")
        first, last = (
            rows.select(moment.min().alias("first"), moment.max()).collect().row(0)
        )
        starts = pl.datetime_range(
            first.replace(day=1, hour=0, minute=0, second=0, microsecond=0),
            last,
            "1mo",
            eager=True,
        )
        for start in starts:
            month = moment.is_between(start, pl.lit(start).dt.offset_by("1mo"), "left")
            rows.filter(month).sink_parquet(
                part / f"{start:%Y-%m}.parquet",
                compression="zstd",
                row_group_size=16_384,
                statistics=True,
            )
        os.replace(part, folder)
    print(json.dumps({"files": len(os.listdir(folder))}))


if __name__ == "__main__":
    main(*sys.argv[1:])
