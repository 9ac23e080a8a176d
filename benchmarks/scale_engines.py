"""First runs of a folder with each engine: time of each object, and equal bytes."""

import hashlib
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from benchmarks import data
from benchmarks.bench import REPORT, Bench
from benchmarks.measure import SLOW_PAIRS, BenchmarkError, Usage, alternate, measure

HEADINGS = (
    "engine",
    "objects",
    "wall s",
    "processor s",
    "peak MB",
    "microseconds an object",
    "of `local`",
    "times",
)
FEW, MANY = 20_000, 200_000
CLUSTER = "local-cluster[2,1,1024]"
ENGINES = {
    "`local`": [],
    "`processes`": ["--engine", "processes"],
    f"`spark`, `{CLUSTER}`": ["--engine", "spark", "--set", f"engine.master={CLUSTER}"],
}


def lines(bench: Bench) -> Iterator[Sequence[str]]:
    """Yield each engine with both sizes.

    The time of an object is that of the runs of the large size less that of the small
    one, so that the start of the program, and of Spark, is left out.

    Raises:
        BenchmarkError: A table has other bytes than with the engine `local`.
    """
    engines = [name for name in ENGINES if "spark" not in name or _has_spark()]
    sizes = [FEW // bench.scale, MANY // bench.scale]
    folders = [data.folder(size) for size in sizes]
    digests: dict[int, set[str]] = {size: set() for size in sizes}

    def run(engine: str, folder: Path, size: int) -> Usage:
        table = bench.fresh("engines") / "events.parquet"
        where = ["--source", str(folder), "--checkpoint", str(table)]
        words = [*where, *ENGINES[engine], "--format", "json", "--quiet"]
        usage = measure(
            [*bench.program, REPORT, *words],
            {"SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable},
        )
        digests[size].add(hashlib.sha256(table.read_bytes()).hexdigest())
        return usage

    runs = [
        lambda engine=engine, folder=folder, size=size: run(engine, folder, size)
        for engine in engines
        for folder, size in zip(folders, sizes, strict=True)
    ]
    measured = alternate(SLOW_PAIRS, *runs)
    if any(len(each) != 1 for each in digests.values()):
        raise BenchmarkError("engines: the tables differ")
    local: list[float] = []
    for engine, few, many in zip(engines, measured[::2], measured[1::2], strict=True):
        each = [
            (more.wall - less.wall) / (sizes[1] - sizes[0])
            for less, more in zip(few, many, strict=True)
        ]
        local = local or each
        yield _cells(engine, sizes[0], few, "", "")
        share = median(one / other for one, other in zip(each, local, strict=True))
        yield _cells(
            engine, sizes[1], many, f"{median(each) * 1e6:.0f}", f"{share:.2f}"
        )


def _cells(
    engine: str, objects: int, usages: Sequence[Usage], each: str, share: str
) -> Sequence[str]:
    wall, cpu, peak = (
        median(getattr(usage, name) for usage in usages)
        for name in ("wall", "cpu", "peak")
    )
    figures = (f"{wall:.2f}", f"{cpu:.2f}", f"{peak / 1e6:,.0f}")
    return (engine, f"{objects:,}", *figures, each, share, str(len(usages)))


def _has_spark() -> bool:
    """Return whether PySpark is installed; say so if it is not."""
    found = importlib.util.find_spec("pyspark") is not None
    if not found:
        print("no PySpark: run it by `hatch run spark:bench-scale`", file=sys.stderr)
    return found
