"""The bars of a sink of a database: an upsert into a table of PostgreSQL."""

import os
import sysconfig
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.measure import PAIRS, BenchmarkError, Usage, alternate, measure
from benchmarks.postgres import server
from benchmarks.rows import Group, Row, compared

ROWS = 1_000_000
SCRIPT = Path(__file__).parent / "peers" / "table_sink_run.py"


def upsert(bench: Bench) -> Sequence[Row]:
    """Measure an upsert of which half of the rows are new."""
    rows = ROWS // bench.scale
    with server() as uri:

        def run(what: str) -> Usage:
            environment = {
                **os.environ,
                "BENCHMARK_PACKAGES": sysconfig.get_path("purelib"),
            }
            words = [bench.python, str(SCRIPT), what, str(rows), uri]
            usage = measure(words, environment)
            if usage.answer["rows"] != rows:
                raise BenchmarkError(
                    f"{what}: {usage.answer['rows']} rows instead of {rows}"
                )
            return usage

        ours, bares = alternate(PAIRS, partial(run, "sink"), partial(run, "bare"))
    what = (
        f"upsert of {rows:,} rows into PostgreSQL, half of them new: {{}}, of"
        " `adbc_ingest` into a staging table and `INSERT … ON CONFLICT`"
    )
    return [
        compared("sink-postgres-time", what.format("time"), 1.5, ours, bares, "time"),
        compared(
            "sink-postgres-cpu",
            what.format("processor time of the client"),
            1.5,
            ours,
            bares,
            "seconds",
        ),
    ]


GROUPS = (Group(("sink-postgres-time", "sink-postgres-cpu"), upsert),)
