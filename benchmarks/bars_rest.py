"""The bars of the source `rest-api`: pages that take 20 ms, eight in flight.

The ideal is the time that the server alone needs.
"""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.measure import SLOW_PAIRS, BenchmarkError, Usage, measure, middle
from benchmarks.peers.page_server import RECORDS, SECONDS
from benchmarks.rows import Group, Row, megabytes, seconds

PAGES, IN_FLIGHT = 10_000, 8

REPORT = """
[reports.items]
validator = {{ use = "frame" }}

[reports.items.source]
use = "rest-api"
base_url = "http://127.0.0.1:{port}"
allow_private = true
parallelism = {parallelism}

[[reports.items.source.resources]]
name = "items"
path = "/items"
records = "items"
primary_key = ["id"]
paginator = {{ type = "page", total_pages = "pages" }}

[[reports.items.sinks]]
use = "parquet-checkpoint"
uri = "{folder}/{{stream}}.parquet"
mode = "upsert"
"""


@contextmanager
def _server(pages: int) -> Iterator[int]:
    command = [sys.executable, "-m", "benchmarks.peers.page_server", str(pages)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline())
        finally:
            process.terminate()


def _run(bench: Bench, folder: Path, pages: int) -> Usage:
    for old in folder.glob("*.parquet"):
        old.unlink()
    command = [*bench.program, "items", "--config", str(folder / "reporting.toml")]
    usage = measure([*command, "--format", "json", "--quiet"])
    if usage.answer["records_read"] != pages * RECORDS:
        raise BenchmarkError(f"{usage.answer['records_read']} records were read")
    return usage


def many_pages(bench: Bench) -> Sequence[Row]:
    """Read all pages of one resource."""
    pages = PAGES // bench.scale
    folder = bench.fresh("rest")
    with _server(pages) as port:
        text = REPORT.format(port=port, parallelism=IN_FLIGHT, folder=folder)
        (folder / "reporting.toml").write_text(text)
        usages = [_run(bench, folder, pages) for _ in range(SLOW_PAIRS)]
    ideal = pages * SECONDS / IN_FLIGHT
    wall, cpu = middle(usages, "wall"), middle(usages, "cpu")
    what = f"`rest-api`, {pages:,} pages of 20 ms, {IN_FLIGHT} in flight"
    peak = middle(usages, "peak")
    return [
        Row(
            "rest-time",
            f"{what}: time, of the ideal",
            1.1,
            wall / ideal,
            f"{seconds(wall)} to {seconds(ideal)}; {megabytes(peak)}",
            peak=peak,
        ),
        Row(
            "rest-cpu",
            f"{what}: processor time of a page, program start included",
            0.3,
            cpu / pages * 1000,
            seconds(cpu),
            unit="ms",
        ),
    ]


GROUPS = (Group(("rest-time", "rest-cpu"), many_pages),)
