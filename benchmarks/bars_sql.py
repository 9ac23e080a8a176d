"""The bars of ``reporting sql``.

A checkpoint of ten million rows is compared with DuckDB alone on the same file.
"""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.bars_folder import large_checkpoint
from benchmarks.bench import REPORT, Bench
from benchmarks.measure import (
    SLOW_PAIRS,
    BenchmarkError,
    Usage,
    alternate,
    measure,
    middle,
    ratio,
)
from benchmarks.rows import Group, Row, compared, megabytes, seconds

QUERY = Path(__file__).parents[1] / "examples" / "sql" / "latest-per-visit.sql"


def latest_per_visit(bench: Bench) -> Sequence[Row]:
    """Write the latest event of each visit, all columns, to a parquet file."""
    rows = 10_000_000 // bench.scale
    large = large_checkpoint(bench, rows)
    program = str(Path(bench.program[0]).with_name("reporting"))
    ours_path, alone_path = (
        bench.fresh("sql") / "ours.parquet",
        bench.work / "sql" / "alone.parquet",
    )
    settings = [
        "--source",
        "events",
        "--checkpoint",
        str(large),
        "--out",
        str(ours_path),
    ]

    def ours() -> Usage:
        return measure([program, "sql", REPORT, "--file", str(QUERY), *settings])

    def alone() -> Usage:
        return bench.peer("duckdb_alone", QUERY, large, alone_path)

    ours_usages, alone_usages = alternate(SLOW_PAIRS, ours, alone)
    if ours_path.stat().st_size != alone_path.stat().st_size:
        raise BenchmarkError(
            f"the answers differ: {ours_path.stat().st_size} and"
            f" {alone_path.stat().st_size} bytes"
        )
    what = f"`reporting sql`, latest event per visit of {rows:,} rows"
    cpu, alone_cpu = middle(ours_usages, "cpu"), middle(alone_usages, "cpu")
    peak, alone_peak = middle(ours_usages, "peak"), middle(alone_usages, "peak")
    return [
        compared(
            "sql-time",
            f"{what}: time, of DuckDB alone on the same file",
            3,
            ours_usages,
            alone_usages,
            "wall",
            more=f"processor time {seconds(cpu)} to {seconds(alone_cpu)}",
        ),
        Row(
            "sql-memory",
            f"{what}: peak memory, of DuckDB alone",
            1.2,
            ratio(ours_usages, alone_usages, "peak"),
            f"{megabytes(peak)} to {megabytes(alone_peak)}",
            peak=peak,
        ),
    ]


GROUPS = (Group(("sql-time", "sql-memory"), latest_per_visit),)
