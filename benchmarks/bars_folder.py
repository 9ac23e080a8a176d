"""The bars that need no server.

They are first runs of a folder, runs with nothing new, and a checkpoint of ten million
rows.
"""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from benchmarks import data
from benchmarks.bench import Bench
from benchmarks.measure import (
    PAIRS,
    SHORT_PAIRS,
    SLOW_PAIRS,
    BenchmarkError,
    Usage,
    alternate,
    middle,
)
from benchmarks.rows import Group, Row, compared, megabytes, seconds

GIGABYTE = 1e9


def first_run(bench: Bench) -> Sequence[Row]:
    """Compare a first run of 20,000 files with a bare loop and with dlt."""
    count = 20_000 // bench.scale
    source = data.folder(count)

    def dlt() -> Usage:
        return bench.peer("dlt_pipeline", source, bench.fresh("dlt"))

    def run() -> Usage:
        return _ours(bench, source, count)

    ours, bares = alternate(SHORT_PAIRS, run, lambda: _bare(bench, "bare_loop", source))
    beside_dlt, dlts = alternate(PAIRS, run, dlt)
    _agree(*ours, *bares, *beside_dlt, *dlts)
    what = f"first run, folder of {count:,} files"
    return [
        compared(
            "first-run-folder-cpu",
            f"{what}: processor time, of a bare loop's",
            1.25,
            ours,
            bares,
            "cpu",
        ),
        compared(
            "first-run-folder-dlt",
            f"{what}: times as fast as dlt",
            8,
            beside_dlt,
            dlts,
            "wall",
            at_least=True,
        ),
    ]


def many_files(bench: Bench) -> Sequence[Row]:
    """Compare a first run of 200,000 files with a bare loop."""
    count = 200_000 // bench.scale
    source = data.folder(count)
    ours, bares = alternate(
        PAIRS,
        lambda: _ours(bench, source, count),
        lambda: _bare(bench, "bare_loop", source),
    )
    _agree(*ours, *bares)
    return [
        compared(
            "first-run-200k-time",
            f"first run, folder of {count:,} files: time, of a bare loop's",
            0.8,
            ours,
            bares,
            "wall",
            more=f"processor time {seconds(middle(ours, 'cpu'))} to"
            f" {seconds(middle(bares, 'cpu'))}",
        )
    ]


def many_lines(bench: Bench) -> Sequence[Row]:
    """Compare a first run of a million events in 100 files with a bare loop."""
    files, records = 100, 10_000 // bench.scale
    source = data.lines(files, records)
    ours, bares = alternate(
        PAIRS,
        lambda: _ours(bench, source, files * records),
        lambda: _bare(bench, "lines_loop", source),
    )
    _agree(*ours, *bares)
    what = f"first run, {files * records:,} events in {files} files"
    return [
        compared(
            "first-run-lines-cpu",
            f"{what}: processor time, of a pydantic loop's",
            0.6,
            ours,
            bares,
            "cpu",
        ),
        compared(
            "first-run-lines-time",
            f"{what}: time, of a pydantic loop's",
            0.6,
            ours,
            bares,
            "wall",
        ),
    ]


def memory(bench: Bench) -> Sequence[Row]:
    """Peak memory of a first run of 100,000 files, of that of 20,000."""
    few, many = 20_000 // bench.scale, 100_000 // bench.scale
    manies, fews = alternate(
        SLOW_PAIRS,
        lambda: _ours(bench, data.folder(many), many),
        lambda: _ours(bench, data.folder(few), few),
    )
    large, small = middle(manies, "peak"), middle(fews, "peak")
    return [
        Row(
            "first-run-memory",
            f"first run of {many:,} files: peak memory, of that of {few:,}",
            1.3,
            large / small,
            f"{megabytes(large)} to {megabytes(small)}",
            peak=large,
        )
    ]


def nothing_new(bench: Bench) -> Sequence[Row]:
    """Compare a run that finds nothing new with the imports that it cannot do without.

    The history grows by a record with each of the runs.
    """
    count = 20_000 // bench.scale
    source, checkpoint = data.folder(count), bench.fresh("nothing") / "events.parquet"
    bench.ours(source, checkpoint, count)
    ours, imports = alternate(
        SHORT_PAIRS,
        lambda: bench.ours(source, checkpoint, 0),
        lambda: bench.imports("polars, pydantic, obstore"),
    )
    return [
        compared(
            "nothing-new-folder",
            f"nothing new, folder of {count:,} files: time, of `import polars,"
            " pydantic, obstore`",
            1.6,
            ours,
            imports,
            "wall",
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

    framework_runs, scans = alternate(PAIRS, ours, scan)
    peak = middle(framework_runs, "peak")
    onto = f"+{new:,} rows on {rows:,}"
    return [
        Row(
            "ten-million-memory",
            f"{onto}: peak memory",
            1.0,
            peak / GIGABYTE,
            f"{megabytes(peak)} (polars scan to sink:"
            f" {megabytes(middle(scans, 'peak'))})",
            unit="GB",
            peak=peak,
        ),
        compared(
            "ten-million-time",
            f"{onto}: time, of polars scan to sink",
            1.3,
            framework_runs,
            scans,
            "wall",
        ),
    ]


def ten_million_by_month(bench: Bench) -> Sequence[Row]:
    """Measure 1,000 new files onto ten million rows in a file for each month.

    They are compared with polars, which rewrites all rows in one file.
    """
    rows, new = 10_000_000 // bench.scale, 1_000
    source = data.folder(new, after=200_000)
    large = large_checkpoint(bench, rows)
    months = data.home() / f"months-{rows}"
    bench.peer("split_by_month", large, months)

    def ours() -> Usage:
        folder = bench.fresh("months") / "events"
        # links are enough: a run replaces a file, and never writes into it
        shutil.copytree(months, folder, copy_function=os.link)
        return bench.ours(source, folder / "{month}.parquet", new)

    def scan() -> Usage:
        return bench.peer("scan_to_sink", large, bench.fresh("scan") / "events.parquet")

    runs, scans = alternate(PAIRS, ours, scan)
    return [
        compared(
            "ten-million-months",
            f"+{new:,} rows on {rows:,} in a file for each month: time, of polars scan"
            " to sink of one file",
            0.3,
            runs,
            scans,
            "wall",
        )
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


def _ours(bench: Bench, source: Path, count: int) -> Usage:
    return bench.ours(source, bench.fresh("ours") / "events.parquet", count)


def _bare(bench: Bench, peer: str, source: Path) -> Usage:
    return bench.peer(peer, source, bench.fresh("bare") / "events.parquet")


def _agree(*usages: Usage) -> None:
    """Check that all accepted the same number of events.

    Raises:
        BenchmarkError: They did not.
    """
    accepted = sorted({usage.answer["accepted"] for usage in usages})
    if len(accepted) != 1:
        raise BenchmarkError(
            f"the programs accepted different numbers of events: {accepted}"
        )


GROUPS = (
    Group(("first-run-folder-cpu", "first-run-folder-dlt"), first_run),
    Group(("first-run-200k-time",), many_files),
    Group(("first-run-memory",), memory),
    Group(("first-run-lines-cpu", "first-run-lines-time"), many_lines),
    Group(("nothing-new-folder",), nothing_new),
    Group(("ten-million-memory", "ten-million-time"), ten_million),
    Group(("ten-million-months",), ten_million_by_month),
)
