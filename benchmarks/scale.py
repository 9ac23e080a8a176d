"""Measure how the cost of a run grows; print tables as in `docs/explanation/scale.md`.

    python -m benchmarks.scale                        everything: about half an hour
    python -m benchmarks.scale --only objects first   the groups that are named
    python -m benchmarks.scale --quick                a hundredth of the old objects

Every request is counted between the program and an S3 server on loopback. The objects
of the source are not stored: `benchmarks.scale_objects` works them out.
"""

import argparse
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks import data, scale_engines
from benchmarks.bench import Bench
from benchmarks.scale_runs import Cost, Place, Sink, place

NEW = 1_000
RUNS = 3
FIRST = Path(sys.executable).parent
ONE = Sink("`parquet-checkpoint`", "parquet-checkpoint", "visits.parquet")
MONTHS = replace(ONE, title="the same, `{month}`", path="visits-{month}.parquet")
DATASET = Sink(
    "`parquet-dataset` by month",
    "parquet-dataset",
    "visits",
    {"partition_by": ["month(timestamp)"], "timestamp": "timestamp"},
)
DELTA = Sink(
    "`delta-table` by study",
    "delta-table",
    "visits",
    {"partition_by": ["study"], "timestamp": "timestamp"},
)
SINKS = (ONE, MONTHS, DATASET, DELTA)
PARTITIONS = ("study", "pipeline_adcid", "visit_date")
"""Columns of three values, of 60, and of one for each day."""
OBJECTS = (10_000, 100_000, 1_000_000)
HEADINGS = (
    "sink",
    "old objects",
    "old rows",
    "LIST of objects",
    "LIST of the table",
    "GET of objects",
    "GET, HEAD of the table",
    "PUT, POST",
    "DELETE",
    "MB read",
    "MB written",
    "wall s",
    "processor s",
    "peak MB",
    "$ requests",
    "$ time",
)

Lines = Iterator[Sequence[str]]


@dataclass(frozen=True)
class Group:
    """A table: its headings, and a function that yields its lines."""

    title: str
    headings: Sequence[str]
    lines: Callable[[Bench], Lines]


def cells(title: str, objects: int, rows: int, cost: Cost) -> Sequence[str]:
    """Return the cells of a run."""
    counted = (
        cost.lists,
        cost.table_lists,
        cost.object_gets,
        cost.table_gets,
        cost.puts,
        cost.deletes,
    )
    return (
        title,
        f"{objects:,}",
        f"{rows:,}",
        *(f"{count:,.0f}" for count in counted),
        *(f"{size / 1e6:,.2f}" for size in (cost.read, cost.written)),
        f"{cost.wall:.2f}",
        f"{cost.cpu:.2f}",
        f"{cost.peak / 1e6:,.0f}",
        *(f"{dollars:.6f}" for dollars in cost.dollars),
    )


def _increments(
    s3: Place, sink: Sink, objects: int, lines: int = 1, *, dated: bool = False
) -> Lines:
    """Yield a full scan that finds nothing new, and the middle of three increments."""
    with s3.report(sink, objects, dated=dated) as report:
        rows = report.make_table(lines)
        scan = report.run(0)
        yield cells(f"{sink.title}, full scan", objects, rows, scan)
        costs = [report.run(NEW) for _ in range(RUNS)]
        yield cells(sink.title, objects, rows, Cost.middle(costs))


def of_objects(bench: Bench) -> Lines:
    """Measure runs on more and more old objects, a row each."""
    with place(bench) as s3:
        for sink in SINKS:
            for objects in OBJECTS:
                yield from _increments(s3, sink, objects // bench.scale)


def of_rows(bench: Bench) -> Lines:
    """Measure runs on ten million rows, ten in each old object."""
    with place(bench) as s3:
        for sink in SINKS:
            yield from _increments(s3, sink, OBJECTS[-1] // bench.scale, 10)


def of_dated_names(bench: Bench) -> Lines:
    """Measure runs whose objects have names that begin with the time."""
    with place(bench) as s3:
        for sink in (DATASET, DELTA):
            for lines in (1, 10):
                objects = OBJECTS[-1] // bench.scale
                yield from _increments(s3, sink, objects, lines, dated=True)


def of_files(bench: Bench) -> Lines:
    """Measure runs on the same rows in more and more files, names as above."""
    objects = OBJECTS[-1] // bench.scale
    with place(bench) as s3:
        for sink in (DATASET, DELTA):
            for column in PARTITIONS:
                other = replace(
                    sink,
                    title=f"`{sink.use}` by `{column}`",
                    settings={**sink.settings, "partition_by": [column]},
                )
                yield from _increments(s3, other, objects, dated=True)


def of_first_runs(bench: Bench) -> Lines:
    """Measure first runs: all objects are new."""
    with place(bench) as s3:
        for sink, objects in (
            *((sink, 10_000) for sink in SINKS),
            (ONE, 100_000),
            (DELTA, 100_000),
            (ONE, 1_000_000),
        ):
            count = max(4, objects // bench.scale)
            with s3.report(sink, 0) as report:
                yield cells(sink.title, count, 0, report.run(count))


GROUPS = {
    "objects": Group(
        "An increment of 1,000 objects, by the number of old objects",
        HEADINGS,
        of_objects,
    ),
    "rows": Group("The same on ten million rows", HEADINGS, of_rows),
    "dated": Group("The same if names begin with the time", HEADINGS, of_dated_names),
    "files": Group(
        "The same on a million rows, by the number of files", HEADINGS, of_files
    ),
    "first": Group("First runs", HEADINGS, of_first_runs),
    "engines": Group(
        "First runs of a folder, by engine",
        scale_engines.HEADINGS,
        scale_engines.lines,
    ),
}


def main() -> None:
    """Measure, and print each table as soon as it is complete."""
    options = _parse()
    program = shutil.which(
        "reporting-run", path=os.pathsep.join([str(FIRST), os.environ["PATH"]])
    )
    if program is None:
        sys.exit("benchmarks: no reporting-run beside this Python nor on PATH")
    print(f"Python {platform.python_version()}, {os.cpu_count()} processors")
    data.CACHE.mkdir(exist_ok=True)
    for name in options.only:
        with tempfile.TemporaryDirectory(dir=data.CACHE, prefix="scale-") as work:
            bench = Bench([program], program, 100 if options.quick else 1, Path(work))
            group = GROUPS[name]
            print(f"\n{group.title}\n\n{_markdown(group, bench)}", flush=True)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure how costs grow.")
    parser.add_argument(
        "--only", nargs="+", choices=GROUPS, default=list(GROUPS), metavar="GROUP"
    )
    parser.add_argument(
        "--quick", action="store_true", help="a hundredth of the old objects"
    )
    return parser.parse_args()


def _markdown(group: Group, bench: Bench) -> str:
    lines = [group.headings, ["---"] * len(group.headings)]
    for line in group.lines(bench):
        print(f"measured: {', '.join(line)}", file=sys.stderr, flush=True)
        lines.append(line)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    main()
