"""The bars of Delta tables: an increment on tables of any size, and an upsert.

Each program is measured as a whole, its start included.
"""

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks import data
from benchmarks.bench import Bench
from benchmarks.measure import (
    PAIRS,
    SLOW_PAIRS,
    BenchmarkError,
    Usage,
    alternate,
    measure,
    middle,
    ratio,
)
from benchmarks.rows import Group, Row, compared, megabytes, seconds

SIZES = (100_000, 1_000_000, 10_000_000)
NEW = 1_000
SCRIPT = Path(__file__).parent / "peers" / "delta_run.py"
REPORT = """\
[reports.visits]
source.use        = "object-store-json"
source.uri        = "{home}/events/"
source.include    = "log-*.json"
validator.use     = "visit-event"
[[reports.visits.sinks]]
use               = "delta-table"
uri               = "{home}/table"
timestamp         = "timestamp"
partition_by      = ["study"]
"""


def _made(bench: Bench, what: str, rows: int) -> Path:
    """Return a table that is kept for later runs."""
    place = data.home() / f"delta-{what}-{rows}"
    if not place.exists():
        part = place.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        _script(bench, what, rows, part)
        part.rename(place)
    return place


def _script(bench: Bench, what: str, rows: int, folder: Path) -> Usage:
    return measure([bench.python, str(SCRIPT), what, str(rows), str(folder)])


def _home(bench: Bench, rows: int) -> Path:
    """Return a folder with a table of so many rows and 1,000 new events."""
    home = bench.fresh("delta")
    _script(bench, "events", rows, home)
    shutil.copytree(_made(bench, "table", rows), home / "table")
    return home


def _run(bench: Bench, rows: int) -> Callable[[], Usage]:
    """Return a function that runs the report on a table of so many rows."""

    def work() -> Usage:
        home = _home(bench, rows)
        config = home / "reporting.toml"
        config.write_text(REPORT.format(home=home))
        usage = measure(
            [*bench.program, "visits", "--format", "json", "--quiet"],
            {"REPORTING_CONFIG": str(config)},
        )
        (output,) = usage.answer["outputs"]
        if (output["rows"], output["new_rows"]) != (rows + NEW, NEW):
            raise BenchmarkError(f"delta: unexpected {json.dumps(output)}")
        return usage

    return work


def increments(bench: Bench) -> Sequence[Row]:
    """Measure 1,000 new events onto tables of three sizes, and delta-rs alone."""
    sizes = [size // bench.scale for size in SIZES]

    def alone() -> Usage:
        home = _home(bench, sizes[-1])
        return _script(bench, "append", sizes[-1], home / "table")

    small, middling, large, bare = alternate(
        PAIRS, *(_run(bench, size) for size in sizes), alone
    )
    found = max(ratio(runs, small, "cpu") for runs in (middling, large))
    times = [seconds(middle(runs, "cpu")) for runs in (small, middling, large)]
    peak = middle(large, "peak")
    onto = f"+{NEW:,} rows on {sizes[-1]:,}, Delta table"
    return [
        Row(
            "delta-flat",
            f"+{NEW:,} rows on {sizes[1]:,} and {sizes[2]:,}, Delta table: processor"
            f" time, of the same on {sizes[0]:,}",
            1.15,
            found,
            " to ".join(times),
        ),
        compared(
            "delta-increment",
            f"{onto}: processor time of the whole run, of `write_deltalake` alone",
            2,
            large,
            bare,
            "cpu",
        ),
        Row(
            "delta-memory",
            f"{onto}: peak memory",
            350,
            peak / 1e6,
            megabytes(peak),
            unit="MB",
            peak=peak,
        ),
    ]


def upserts(bench: Bench) -> Sequence[Row]:
    """Measure changes of 1,000 rows from all over the table, and `merge` alone."""
    rows = SIZES[-1] // bench.scale

    def work(what: str) -> Callable[[], Usage]:
        def run() -> Usage:
            folder = bench.fresh("delta") / "table"
            shutil.copytree(_made(bench, "versions", rows), folder)
            return _script(bench, what, rows, folder)

        return run

    ours, merges = alternate(SLOW_PAIRS, work("upsert"), work("merge"))
    return [
        compared(
            "delta-upsert",
            f"{NEW:,} of {rows:,} rows change, in all files: processor time, of"
            " delta-rs' `merge` alone",
            1.3,
            ours,
            merges,
            "cpu",
        )
    ]


GROUPS = (
    Group(("delta-flat", "delta-increment", "delta-memory"), increments),
    Group(("delta-upsert",), upserts),
)
