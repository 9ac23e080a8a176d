"""A first run by an engine that has started: ENGINE FEW MANY TABLE.

Runs the report on the folder FEW, so that the engine has started and has imported
everything, and then on the folder MANY. Prints the seconds until the end of the first
and of the second, and a hash of the second table.
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
    for folder, name in ((few, "few.parquet"), (many, "many.parquet")):
        where = {"source": folder, "checkpoint": f"{table}/{name}"}
        run_report("event-log-checkpoint", {**where, "engine": {"use": engine}})
        now = time.perf_counter()
        seconds.append(now - began)
        began = now
    found = hashlib.sha256(Path(table, "many.parquet").read_bytes()).hexdigest()
    print(json.dumps({"start": seconds[0], "seconds": seconds[1], "hash": found}))


if __name__ == "__main__":
    main(*sys.argv[1:])
