"""The bars that need no server.

They are first runs of a folder, and a checkpoint of ten million rows.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path

from benchmarks import data
from benchmarks.bench import Bench, Group, Row, megabytes, seconds
from benchmarks.measure import BenchmarkError, Usage, alternate, least, measure

TIMES = 3
GIGABYTE = 1e9


def first_run(bench: Bench) -> Sequence[Row]:
    """Compare a first run of 20,000 files with a bare loop and with dlt."""
    count = 20_000 // bench.scale
    source = data.folder(count)

    def ours() -> Usage:
        return bench.ours(source, bench.fresh("ours") / "events.parquet", count)

    def bare() -> Usage:
        return bench.peer("bare_loop", source, bench.fresh("bare") / "events.parquet")

    def dlt() -> Usage:
        return bench.peer("dlt_pipeline", source, bench.fresh("dlt"))

    framework_runs, bares, dlts = alternate(TIMES, ours, bare, dlt)
    accepted = {usage.answer["accepted"] for usage in (*framework_runs, *bares, *dlts)}
    if len(accepted) != 1:
        raise BenchmarkError(
            f"the programs accepted different numbers of events: {sorted(accepted)}"
        )
    cpu, bare_cpu = least(framework_runs, "cpu"), least(bares, "cpu")
    wall, dlt_wall = least(framework_runs, "wall"), least(dlts, "wall")
    return [
        Row(
            "first-run-folder-cpu",
            f"first run, folder of {count:,} files: processor time, of a bare loop's",
            1.5,
            cpu / bare_cpu,
            f"{seconds(cpu)} to {seconds(bare_cpu)}",
        ),
        Row(
            "first-run-folder-dlt",
            f"first run, folder of {count:,} files: times as fast as dlt",
            8,
            dlt_wall / wall,
            f"{seconds(wall)} to {seconds(dlt_wall)}",
            at_least=True,
        ),
    ]


def many_lines(bench: Bench) -> Sequence[Row]:
    """Compare a first run of a million events in 100 files with a bare loop."""
    files, records = 100, 10_000 // bench.scale
    source = data.lines(files, records)

    def ours() -> Usage:
        checkpoint = bench.fresh("ours") / "events.parquet"
        return bench.ours(source, checkpoint, files * records)

    def bare() -> Usage:
        return bench.peer("lines_loop", source, bench.fresh("bare") / "events.parquet")

    framework_runs, bares = alternate(TIMES, ours, bare)
    accepted = {usage.answer["accepted"] for usage in (*framework_runs, *bares)}
    if len(accepted) != 1:
        raise BenchmarkError(
            f"the programs accepted different numbers of events: {sorted(accepted)}"
        )
    cpu, bare_cpu = least(framework_runs, "cpu"), least(bares, "cpu")
    wall, bare_wall = least(framework_runs, "wall"), least(bares, "wall")
    peak, bare_peak = least(framework_runs, "peak"), least(bares, "peak")
    what = f"first run, {files * records:,} events in {files} files"
    return [
        Row(
            "first-run-lines-cpu",
            f"{what}: processor time, of a pydantic loop's",
            0.6,
            cpu / bare_cpu,
            f"{seconds(cpu)} to {seconds(bare_cpu)}",
        ),
        Row(
            "first-run-lines-time",
            f"{what}: time, of a pydantic loop's",
            0.6,
            wall / bare_wall,
            f"{seconds(wall)} to {seconds(bare_wall)};"
            f" {megabytes(peak)} to {megabytes(bare_peak)}",
        ),
    ]


def many_files(bench: Bench) -> Sequence[Row]:
    """Peak memory of a first run of 100,000 files, of that of 20,000."""
    few, many = 20_000 // bench.scale, 100_000 // bench.scale

    def run(count: int) -> Usage:
        return bench.ours(
            data.folder(count), bench.fresh("ours") / "events.parquet", count
        )

    fews, manies = alternate(2, lambda: run(few), lambda: run(many))
    small, large = least(fews, "peak"), least(manies, "peak")
    return [
        Row(
            "first-run-memory",
            f"first run of {many:,} files: peak memory, of that of {few:,}",
            1.3,
            large / small,
            f"{megabytes(large)} to {megabytes(small)}",
        )
    ]


def ten_million(bench: Bench) -> Sequence[Row]:
    """Measure 1,000 new files onto a checkpoint of ten million rows.

    They are compared with polars, which rewrites the checkpoint unchanged.
    """
    rows, new = 10_000_000 // bench.scale, 1_000
    source = data.folder(new, after=200_000)
    large = large_checkpoint(bench, rows)

    def ours() -> Usage:
        checkpoint = bench.fresh("ours") / "events.parquet"
        shutil.copyfile(large, checkpoint)
        return bench.ours(source, checkpoint, new)

    def scan() -> Usage:
        return bench.peer("scan_to_sink", large, bench.fresh("scan") / "events.parquet")

    framework_runs, scans = alternate(TIMES, ours, scan)
    peak, wall, scan_wall = (
        least(framework_runs, "peak"),
        least(framework_runs, "wall"),
        least(scans, "wall"),
    )
    onto = f"+{new:,} rows on {rows:,}"
    return [
        Row(
            "ten-million-memory",
            f"{onto}: peak memory",
            1.0,
            peak / GIGABYTE,
            f"{megabytes(peak)} (polars scan to sink:"
            f" {megabytes(least(scans, 'peak'))})",
            unit="GB",
        ),
        Row(
            "ten-million-time",
            f"{onto}: time, of polars scan to sink",
            1.3,
            wall / scan_wall,
            f"{seconds(wall)} to {seconds(scan_wall)}",
        ),
    ]


def large_checkpoint(bench: Bench, rows: int) -> Path:
    """Return a large checkpoint, made by polars alone.

    It is made after the pattern of a small one that our program writes.
    """
    small = bench.fresh("small") / "events.parquet"
    bench.ours(data.folder(100), small, 100)
    large = data.home() / f"checkpoint-{rows}.parquet"
    bench.peer("make_checkpoint", small, large, str(rows))
    return large


def start_up(bench: Bench) -> Sequence[Row]:
    """Measure how long `--help` takes.

    It lists the reports without importing what they need.
    """
    usages = [measure([*bench.program, "--help"]) for _ in range(5)]
    wall = least(usages, "wall")
    return [
        Row("help", "`reporting-run --help`: time", 0.15, wall, seconds(wall), unit="s")
    ]


GROUPS = (
    Group(("help",), start_up),
    Group(("first-run-folder-cpu", "first-run-folder-dlt"), first_run),
    Group(("first-run-memory",), many_files),
    Group(("first-run-lines-cpu", "first-run-lines-time"), many_lines),
    Group(("ten-million-memory", "ten-million-time"), ten_million),
)
