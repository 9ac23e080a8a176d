"""First runs by an engine that has started: ENGINE FEW MANY TABLE.

Runs the report on the folder FEW, so that the engine has started and has imported
everything, then on the folder MANY, so that its code is compiled, as Java does while it
runs, and then on FEW and MANY again. Prints the seconds until the end of the first, and
those of the other three, and a hash of the last table.
"""

import hashlib
import json
import sys
import time
from pathlib import Path

CLUSTER = "local-cluster[2,1,1024]"


def main(engine: str, few: str, many: str, table: str) -> None:
    """Measure one engine."""
    from reporting_framework import run_report

    began = time.perf_counter()
    if engine == "spark":
        from pyspark.sql import SparkSession

        builder = SparkSession.builder.master(CLUSTER)
        builder.config("spark.ui.enabled", "false").getOrCreate()
    seconds = []
    for number, folder in enumerate((few, many, few, many)):
        where = {"source": folder, "checkpoint": f"{table}/{number}/visits.parquet"}
        run_report("event-log-checkpoint", {**where, "engine": {"use": engine}})
        now = time.perf_counter()
        seconds.append(now - began)
        began = now
    found = hashlib.sha256(Path(table, "3/visits.parquet").read_bytes()).hexdigest()
    names = ("start", "first", "few", "many")
    print(json.dumps({**dict(zip(names, seconds, strict=True)), "hash": found}))


if __name__ == "__main__":
    main(*sys.argv[1:])
