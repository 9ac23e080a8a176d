"""First runs of a folder with each engine: time of each object, and equal bytes."""

import importlib.util
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from operator import truediv
from pathlib import Path
from statistics import median

from benchmarks import data
from benchmarks.bench import Bench
from benchmarks.measure import (
    SLOW_PAIRS,
    BenchmarkError,
    Usage,
    alternate,
    measure,
    middle,
    ratio,
)

HEADINGS = (
    "engine",
    "start",
    "200,000 objects, first time",
    "20,000 objects, again",
    "200,000 objects, again",
    "of `local`",
    "microseconds for each further object",
    "of `local`",
)
FEW, MANY = 20_000, 200_000
RUNS = ("start", "first", "few", "many")
SCRIPT = Path(__file__).parent / "peers" / "engine_run.py"
ENGINES = {
    "local": "`local`",
    "processes": "`processes`",
    "spark": "`spark`, `local-cluster[2,1,1024]`",
}


def lines(bench: Bench) -> Iterator[Sequence[str]]:
    """Yield each engine: seconds of each run, and the cost of each further object.

    The start has imports and a run of 20,000 objects in it.

    Raises:
        BenchmarkError: A table has other bytes than with the engine `local`.
    """
    engines = [name for name in ENGINES if name != "spark" or _has_spark()]
    few, many = FEW // bench.scale, MANY // bench.scale
    runs: list[Callable[[], Usage]] = [
        partial(_run, bench, engine, few, many) for engine in engines
    ]
    measured = alternate(SLOW_PAIRS, *runs)
    if len({usage.answer["hash"] for usages in measured for usage in usages}) != 1:
        raise BenchmarkError("engines: the tables differ")
    further = [
        [(each.answer["many"] - each.answer["few"]) / (many - few) for each in usages]
        for usages in measured
    ]
    for engine, usages, costs in zip(engines, measured, further, strict=True):
        shares = map(truediv, costs, further[0])
        yield (
            ENGINES[engine],
            *(f"{middle(usages, name):.1f}" for name in RUNS),
            f"{ratio(usages, measured[0], 'many'):.2f}",
            f"{median(costs) * 1e6:.0f}",
            f"{median(shares):.2f}",
        )


def _run(bench: Bench, engine: str, few: int, many: int) -> Usage:
    folders = [str(data.folder(size)) for size in (few, many)]
    usage = measure(
        [bench.python, str(SCRIPT), engine, *folders, str(bench.fresh("engines"))],
        {"SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable},
    )
    print(f"measured: {engine}, {usage.output.strip()}", file=sys.stderr, flush=True)
    return usage


def _has_spark() -> bool:
    """Return whether PySpark is installed; say so if it is not."""
    found = importlib.util.find_spec("pyspark") is not None
    if not found:
        print("no PySpark: run it by `hatch run spark:bench-scale`", file=sys.stderr)
    return found
