"""The bars of datasets: what an increment costs beside writing everything again.

Times are processor time of the work itself, without imports.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.measure import PAIRS, BenchmarkError, Usage, alternate, measure
from benchmarks.rows import Group, Row, compared

ROWS, NEW = 1_000_000, 1_000
SCRIPT = Path(__file__).parent / "peers" / "dataset_run.py"


def _run(bench: Bench, what: str, due: int) -> Usage:
    rows = ROWS // bench.scale
    folder = bench.fresh("datasets")
    usage = measure([bench.python, str(SCRIPT), what, str(rows), str(folder)])
    if usage.answer["rows"] != due:
        raise BenchmarkError(f"{what}: {usage.answer['rows']} rows instead of {due}")
    return usage


def datasets(bench: Bench) -> Sequence[Row]:
    """Measure the first load, an increment, and changes in all partitions."""
    rows = ROWS // bench.scale
    loads, bare_loads = alternate(
        PAIRS,
        partial(_run, bench, "load", rows),
        partial(_run, bench, "load-bare", rows),
    )
    increments, changes, rewrites = alternate(
        PAIRS,
        partial(_run, bench, "increment", rows + NEW),
        partial(_run, bench, "changes", rows),
        partial(_run, bench, "increment-bare", rows + NEW),
    )
    what = f"{rows:,} rows in 100 partitions"
    again = "of polars that writes all again"
    return [
        compared(
            "dataset-load",
            f"{what}, first load: of polars `write_parquet` for each",
            5,
            loads,
            bare_loads,
            "seconds",
        ),
        compared(
            "dataset-increment",
            f"+{NEW:,} rows of one partition on {what}: {again}",
            0.1,
            increments,
            rewrites,
            "seconds",
        ),
        compared(
            "dataset-changes",
            f"{NEW:,} of {what} change, in all: {again}",
            1,
            changes,
            rewrites,
            "seconds",
        ),
    ]


GROUPS = (Group(("dataset-load", "dataset-increment", "dataset-changes"), datasets),)
