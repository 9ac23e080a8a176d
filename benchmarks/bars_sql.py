"""The bars of ``reporting sql``.

A checkpoint of ten million rows is compared with DuckDB alone on the same file.
"""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.bars_folder import large_checkpoint
from benchmarks.bench import REPORT, Bench, Group, Row, megabytes, seconds
from benchmarks.measure import BenchmarkError, Usage, alternate, least, measure

QUERY = Path(__file__).parents[1] / "examples" / "sql" / "latest-per-visit.sql"
TIMES = 2


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

    ours_usages, alone_usages = alternate(TIMES, ours, alone)
    if ours_path.stat().st_size != alone_path.stat().st_size:
        raise BenchmarkError(
            f"the answers differ: {ours_path.stat().st_size} and"
            f" {alone_path.stat().st_size} bytes"
        )
    wall, alone_wall = least(ours_usages, "wall"), least(alone_usages, "wall")
    cpu, alone_cpu = least(ours_usages, "cpu"), least(alone_usages, "cpu")
    peak, alone_peak = least(ours_usages, "peak"), least(alone_usages, "peak")
    what = f"`reporting sql`, latest event per visit of {rows:,} rows"
    processor = f"processor time {seconds(cpu)} to {seconds(alone_cpu)}"
    times = f"{seconds(wall)} to {seconds(alone_wall)}; {processor}"
    peaks = f"{megabytes(peak)} to {megabytes(alone_peak)}"
    return [
        Row(
            "sql-time",
            f"{what}: time, of DuckDB alone on the same file",
            3,
            wall / alone_wall,
            times,
        ),
        Row(
            "sql-memory",
            f"{what}: peak memory, of DuckDB alone",
            1.2,
            peak / alone_peak,
            peaks,
        ),
    ]


GROUPS = (Group(("sql-time", "sql-memory"), latest_per_visit),)
