"""Measure every row of the table, print it, and write it down.

Started by `benchmarks/run.py`.
"""

import argparse
import json
import os
import platform
import shlex
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks import (
    bars_build,
    bars_datasets,
    bars_delta,
    bars_events,
    bars_files,
    bars_folder,
    bars_lambda,
    bars_processes,
    bars_redcap,
    bars_rest,
    bars_s3,
    bars_singer,
    bars_sinks,
    bars_sql,
    bars_start,
    bars_tables,
    data,
    history,
)
from benchmarks.bench import Bench
from benchmarks.measure import BenchmarkError
from benchmarks.rows import Group, Row

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
README = HERE / "README.md"
BEGIN, END = "<!-- results -->", "<!-- /results -->"
EVERY = [""]
"""Beginnings of the names of all rows."""
HEADINGS = ("", "what", "bar", "found", "measured", "held")
GROUPS = (
    *bars_start.GROUPS,
    *bars_folder.GROUPS,
    *bars_processes.GROUPS,
    *bars_sql.GROUPS,
    *bars_s3.GROUPS,
    *bars_build.GROUPS,
    *bars_lambda.GROUPS,
    *bars_events.GROUPS,
    *bars_tables.GROUPS,
    *bars_files.GROUPS,
    *bars_rest.GROUPS,
    *bars_sinks.GROUPS,
    *bars_datasets.GROUPS,
    *bars_singer.GROUPS,
    *bars_redcap.GROUPS,
    *bars_delta.GROUPS,
)


def main() -> None:
    """Measure, print, write.

    The status is 1 when a bar is not held or could not be measured.
    """
    options = _parse()
    if unknown := [name for name in options.only if not _groups([name])]:
        known = ", ".join(name for group in GROUPS for name in group.names)
        sys.exit(
            f"benchmarks: --only: no row begins with {', '.join(unknown)}; rows:"
            f" {known}"
        )
    data.CACHE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=data.CACHE, prefix="work-") as work:
        bench = Bench(
            shlex.split(options.program),
            options.reports,
            10 if options.quick else 1,
            Path(work),
        )
        rows, failures = _measure(bench, options.only)
    print("\n" + table(rows))
    for failure in failures:
        print(f"not measured: {failure}")
    if options.check:
        compared = history.compare(rows, history.read(), platform.python_version())
        print("\n".join([*compared.notes, *compared.worse]))
        print(
            f"{compared.rows} rows compared with history.jsonl, {compared.count} worse"
        )
        sys.exit(1 if compared.worse or failures or not compared.rows else 0)
    if not options.quick and options.only == EVERY:
        _write(rows)
    sys.exit(0 if rows and not failures and all(row.held for row in rows) else 1)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--reports", required=True)
    parser.add_argument("--only", nargs="*", default=EVERY)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--check", action="store_true")
    return parser.parse_args()


def _measure(bench: Bench, only: Sequence[str]) -> tuple[list[Row], list[str]]:
    rows: list[Row] = []
    failures: list[str] = []
    for group, wanted in _groups(only):
        print(f"measuring {', '.join(wanted)} …", file=sys.stderr)
        try:
            measurements = group.measure(bench)
        except BenchmarkError as error:
            failures.append(f"{', '.join(wanted)}: {error}")
            continue
        rows += [row for row in measurements if row.name in wanted]
    return rows, failures


def _groups(only: Sequence[str]) -> list[tuple[Group, list[str]]]:
    """Return the groups with names that begin so, each with these names."""
    named = [
        (group, [name for name in group.names if name.startswith(tuple(only))])
        for group in GROUPS
    ]
    return [(group, names) for group, names in named if names]


def cells(row: Row) -> tuple[str, ...]:
    """Return the cells of a row as they are printed."""
    bar = f"{'≥' if row.at_least else '≤'} {row.bound:g} {row.unit}"
    return (
        row.name,
        row.what,
        bar,
        f"{row.found:.2f} {row.unit}",
        row.measured,
        "yes" if row.held else "NO",
    )


def table(rows: Sequence[Row]) -> str:
    """Format the rows as a Markdown table that is also readable as plain text."""
    lines = [HEADINGS, *(cells(row) for row in rows)]
    widths = [
        max(len(line[column]) for line in lines) for column in range(len(HEADINGS))
    ]
    lines.insert(1, tuple("-" * width for width in widths))
    padded = [
        [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
        for line in lines
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in padded)


def _write(rows: Sequence[Row]) -> None:
    """Write the rows of a full run: `results.json`, the history and the README."""
    python, commit = platform.python_version(), history.commit(HERE.parent)
    history.add(rows, commit, python)
    machine = {"system": platform.system(), "cores": os.cpu_count(), "python": python}
    measured = {row.name: {**vars(row), "held": row.held} for row in rows}
    RESULTS.write_text(
        json.dumps({"machine": machine, "rows": measured}, indent=2, ensure_ascii=False)
        + "\n"
    )
    system = f"{platform.system()}, {os.cpu_count()} cores"
    where = f"Commit {commit}, Python {python}, {system}:"
    before, _, rest = README.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    README.write_text(f"{before}{BEGIN}\n\n{where}\n\n{table(rows)}\n\n{END}{after}")


if __name__ == "__main__":
    main()
