"""First runs of a folder with each engine: time of each object, and equal bytes."""

import importlib.util
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

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
    "objects",
    "seconds with the start, 20,000 objects",
    "seconds",
    "microseconds an object",
    "of `local`",
)
FEW, MANY = 20_000, 200_000
SCRIPT = Path(__file__).parent / "peers" / "engine_run.py"
ENGINES = {
    "local": "`local`",
    "processes": "`processes`",
    "spark": "`spark`, `local-cluster[2,1,1024]`",
}


def lines(bench: Bench) -> Iterator[Sequence[str]]:
    """Yield each engine. Its start, and a first run of few objects, come before.

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
    for engine, usages in zip(engines, measured, strict=True):
        seconds = middle(usages, "seconds")
        yield (
            ENGINES[engine],
            f"{many:,}",
            f"{middle(usages, 'start'):.1f}",
            f"{seconds:.1f}",
            f"{seconds / many * 1e6:.0f}",
            f"{ratio(usages, measured[0], 'seconds'):.2f}",
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
