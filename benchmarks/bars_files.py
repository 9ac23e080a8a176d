"""The bars of files: CSV that is read and checked, beside polars alone.

Times are processor time of the work itself, without imports.
"""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.measure import (
    PAIRS,
    SLOW_PAIRS,
    BenchmarkError,
    Usage,
    alternate,
    measure,
    middle,
)
from benchmarks.rows import Group, Row, compared, megabytes

ROWS = 5_000_000
FILES, FILE_ROWS = 10_000, 100
COLUMNS = ("sku", "price", "day", "number", "note")
SCRIPT = Path(__file__).parent / "peers" / "file_run.py"
_REPORT = """
[reports.prices]
sinks = [{{ use = "parquet-dataset", uri = "{out}" }}]
[reports.prices.source]
use = "files"
uri = "{source}"
columns = {{ sku = "string", price = "float64", day = "date", number = "int64" }}
[reports.prices.validator]
use = "frame"
primary_key = ["number"]
[reports.prices.validator.rules]
sku.not_null = true
price.not_null = true
day.not_null = true
number.not_null = true
note.not_null = true
"""


def _write(path: Path, rows: int) -> None:
    """Write a CSV file."""
    with path.open("w") as file:
        file.write(f"{','.join(COLUMNS)}\n")
        for at in range(rows):
            day = f"2024-{at % 12 + 1:02}-{at % 28 + 1:02}"
            price = at * 7919 % 100_000 / 100
            file.write(f"ABC{at % 10_000:04},{price},{day},{at},note {at % 977}\n")


def _run(bench: Bench, what: str, rows: int, folder: Path) -> Usage:
    usage = measure([bench.python, str(SCRIPT), what, str(folder)])
    if usage.answer["rows"] != rows:
        raise BenchmarkError(f"{what}: {usage.answer['rows']} rows instead of {rows}")
    return usage


def one_file(bench: Bench) -> Sequence[Row]:
    """Measure one large file, and the memory for a part of it."""
    rows = ROWS // bench.scale
    large, small = bench.fresh("csv-large"), bench.fresh("csv-small")
    _write(large / "a.csv", rows)
    _write(small / "a.csv", rows // 5)

    def run(what: str) -> Usage:
        return _run(bench, what, rows, large)

    ours, bare = alternate(PAIRS, lambda: run("checked"), lambda: run("checked-bare"))
    peak = middle(ours, "peak")
    before = middle([_run(bench, "checked", rows // 5, small)], "peak")
    return [
        compared(
            "csv-checked",
            f"CSV of {rows:,} rows, types, not null, unique: of `scan_csv`",
            1.5,
            ours,
            bare,
            "seconds",
        ),
        Row(
            "csv-memory",
            f"CSV, memory for {rows:,} rows to that for {rows // 5:,}",
            1.3,
            peak / before,
            f"{megabytes(peak)} to {megabytes(before)}",
        ),
    ]


def beside_floe(bench: Bench) -> Sequence[Row]:
    """Measure a report that writes the checked rows, beside floe, start included."""
    rows = ROWS // bench.scale
    folder = bench.fresh("csv-floe")
    _write(folder / "a.csv", rows)

    def ours() -> Usage:
        work = bench.fresh("csv-report")
        config = work / "reporting.toml"
        config.write_text(_REPORT.format(source=folder, out=work / "dataset"))
        words = ["prices", "--config", str(config), "--format", "json", "--quiet"]
        usage = measure([*bench.program, *words])
        if usage.answer["accepted"] != rows:
            raise BenchmarkError(f"csv-floe: {usage.answer['accepted']} rows accepted")
        return usage

    def floe() -> Usage:
        usage = bench.peer("floe_run", folder, bench.fresh("csv-floe-out"))
        if usage.answer["rows"] != rows:
            raise BenchmarkError(f"floe: {usage.answer['rows']} rows accepted")
        return usage

    runs, floes = alternate(SLOW_PAIRS, ours, floe)
    what = f"CSV of {rows:,} rows, checked and written by a report: of floe"
    return [compared("csv-floe", what, 1.5, runs, floes, "cpu")]


def many_files(bench: Bench) -> Sequence[Row]:
    """Measure many small files."""
    files = FILES // bench.scale
    folder = bench.fresh("csv-many")
    for at in range(files):
        _write(folder / f"{at:05}.csv", FILE_ROWS)
    rows = files * FILE_ROWS
    ours, bare = alternate(
        PAIRS,
        lambda: _run(bench, "read", rows, folder),
        lambda: _run(bench, "read-bare", rows, folder),
    )
    what = f"{files:,} CSV files of {FILE_ROWS} rows: of `scan_csv` of the list"
    return [compared("csv-files", what, 1.3, ours, bare, "seconds")]


def marked_text(bench: Bench) -> Sequence[Row]:
    """Measure texts whose values have to be counted."""
    layouts = {
        "empty": ("empty last values", "{0},{1},2024-05-01,{0},\n", 1.4),
        "quoted": ("quoted commas", '{0},{1},2024-05-01,{0},"note {1}, x"\n', 1.7),
    }
    found = []
    for name, (what, line, bar) in layouts.items():
        folder = bench.fresh(f"csv-{name}")
        lines = "".join(line.format(at, at % 977) for at in range(200_000))
        (folder / "a.csv").write_text(f"{','.join(COLUMNS)}\n{lines}")
        rows = 20 * 200_000

        def run(work: str, folder: Path = folder, rows: int = rows) -> Usage:
            return _run(bench, work, rows, folder)

        ours, bare = alternate(PAIRS, lambda: run("parse"), lambda: run("parse-bare"))
        title = f"CSV text with {what}, values counted: of `read_csv`"
        found.append(compared(f"csv-{name}", title, bar, ours, bare, "seconds"))
    return found


GROUPS = (
    Group(("csv-checked", "csv-memory"), one_file),
    Group(("csv-floe",), beside_floe),
    Group(("csv-files",), many_files),
    Group(("csv-empty", "csv-quoted"), marked_text),
)
