"""Count the blocks of memory that Python allocates for each record.

    python -m benchmarks.allocations

prints a table: a folder of small files and one of lines, by stage. It is run by the
interpreter that the workspace is installed for, at any commit; it needs a C compiler.
The counts are exact and do not depend on how busy the machine is. What is printed is
the difference of two runs by the difference of their records: what a run allocates
once, imports and schemas among it, is left out.
"""

import ctypes
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from typing import Any

from benchmarks import generate

from reporting_framework.api import run_report

HERE = Path(__file__).parent
REPORT = "event-log-checkpoint"
STAGES = ("rest", "read", "validate")
FEW, MANY = 2_000, 6_000
IN_A_FILE = 500
STEPS = (
    ("reporting_object_store.json_source.source", "read", 1),
    ("reporting_framework.builtin.pydantic_validator", "validate", 2),
)
"""Modules of the roles' classes, the method that is a stage, and its number."""


def library(folder: Path) -> ctypes.PyDLL:
    """Compile and load the counter, which counts from then on."""
    target = folder / "allocations.so"
    source = HERE / "allocations.c"
    words = ["cc", "-O2", "-shared", "-fPIC", "-o", str(target), str(source)]
    subprocess.run(words, check=True)
    counter = ctypes.PyDLL(str(target))
    counter.count.restype = ctypes.c_long
    counter.install()
    return counter


def staged(counter: ctypes.PyDLL) -> None:
    """Make the methods of `STEPS` say that their stage begins and ends."""
    for module, method, stage in STEPS:
        __import__(module)
        for kind in vars(sys.modules[module]).values():
            if not isinstance(kind, type) or kind.__module__ != module:
                continue
            if callable(function := vars(kind).get(method)):
                wrapper = _iterated if method == "read" else _called
                setattr(kind, method, wrapper(counter, function, stage))


def _called(counter: ctypes.PyDLL, function: Any, stage: int) -> Callable[..., Any]:
    @wraps(function)
    def call(*arguments: Any, **options: Any) -> Any:
        last = counter.enter(stage)
        try:
            return function(*arguments, **options)
        finally:
            counter.enter(last)

    return call


def _iterated(counter: ctypes.PyDLL, function: Any, stage: int) -> Callable[..., Any]:
    @wraps(function)
    def call(*arguments: Any, **options: Any) -> Iterator[Any]:
        items = function(*arguments, **options)
        try:
            while True:
                last = counter.enter(stage)
                try:
                    item = next(items)
                except StopIteration:
                    return
                finally:
                    counter.enter(last)
                yield item
        finally:
            items.close()

    return call


def run(counter: ctypes.PyDLL, source: Path, out: Path) -> tuple[int, list[int]]:
    """Run the report, and return the records read and the blocks of each stage."""
    before = [counter.count(stage) for stage in range(len(STAGES))]
    settings = {"source": str(source), "checkpoint": str(out / "events.parquet")}
    result = run_report(REPORT, settings)
    after = [counter.count(stage) for stage in range(len(STAGES))]
    taken = [end - begin for begin, end in zip(before, after, strict=True)]
    return result.records_read, taken


def sources(folder: Path, count: int) -> dict[str, Path]:
    """Make a folder of files of one event each, and one of files of many lines."""
    files, lines = folder / f"files-{count}", folder / f"lines-{count}"
    generate.write_folder(files, count, 1, 0.0, 0)
    lines.mkdir()
    texts = [json.dumps(json.loads(path.read_text())) for path in files.iterdir()]
    for begin in range(0, count, IN_A_FILE):
        name = lines / f"log-submit-20240101-{begin:06}.json"
        name.write_text("\n".join(texts[begin : begin + IN_A_FILE]) + "\n")
    return {"one record a file": files, f"{IN_A_FILE} records a file": lines}


def main() -> None:
    """Count and print."""
    print(f"| blocks a record | {' | '.join(STAGES)} | all |")
    print("|---" * (len(STAGES) + 2) + "|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        counter = library(folder)
        staged(counter)
        few, many = sources(folder, FEW), sources(folder, MANY)
        for what in few:
            run(counter, few[what], _fresh(folder))
            less, small = run(counter, few[what], _fresh(folder))
            more, large = run(counter, many[what], _fresh(folder))
            each = [(b - a) / (more - less) for a, b in zip(small, large, strict=True)]
            cells = [f"{number:.1f}" for number in (*each, sum(each))]
            print(f"| {what} | {' | '.join(cells)} |")


def _fresh(folder: Path) -> Path:
    return Path(tempfile.mkdtemp(dir=folder))


if __name__ == "__main__":
    main()
