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
from benchmarks.rows import Row

HERE = Path(__file__).parent
RESULTS = HERE / "results.json"
README = HERE / "README.md"
BEGIN, END = "<!-- results -->", "<!-- /results -->"
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
        worse = compared.worse or ["no row is worse than in history.jsonl"]
        print("\n".join([*compared.notes, *worse]))
        sys.exit(1 if compared.worse or failures or not rows else 0)
    if not options.quick:
        _write(rows)
    sys.exit(0 if rows and not failures and all(row.held for row in rows) else 1)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--program", required=True)
    parser.add_argument("--reports", required=True)
    parser.add_argument("--only", nargs="*", default=[""])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--check", action="store_true")
    return parser.parse_args()


def _measure(bench: Bench, only: Sequence[str]) -> tuple[list[Row], list[str]]:
    rows: list[Row] = []
    failures: list[str] = []
    for group in GROUPS:
        wanted = [name for name in group.names if name.startswith(tuple(only))]
        if not wanted:
            continue
        print(f"measuring {', '.join(wanted)} …", file=sys.stderr)
        try:
            measurements = group.measure(bench)
        except BenchmarkError as error:
            failures.append(f"{', '.join(wanted)}: {error}")
            continue
        rows += [row for row in measurements if row.name in wanted]
    return rows, failures


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
    """Put the rows in `results.json` and in the history, and all of them in the README.

    Each takes the place of the one of the same name.
    """
    known = json.loads(RESULTS.read_text())["rows"] if RESULTS.exists() else {}
    python = platform.python_version()
    history.add(rows, history.commit(HERE.parent), python)
    known |= {
        row.name: {**vars(row), "held": row.held, "python": python} for row in rows
    }
    ordered = {
        name: known[name] for group in GROUPS for name in group.names if name in known
    }
    machine = {"system": platform.system(), "cores": os.cpu_count()}
    RESULTS.write_text(
        json.dumps({"machine": machine, "rows": ordered}, indent=2, ensure_ascii=False)
        + "\n"
    )
    kept = [
        Row(
            **{
                key: value
                for key, value in row.items()
                if key not in ("held", "python")
            }
        )
        for row in ordered.values()
    ]
    before, _, rest = README.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    README.write_text(f"{before}{BEGIN}\n\n{table(kept)}\n\n{END}{after}")


if __name__ == "__main__":
    main()
