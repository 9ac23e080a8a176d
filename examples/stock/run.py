"""A spreadsheet as a table of a database, before and after it changes.

The output is in the folder ``out``: the spreadsheet, and the database ``stock.db``.
"""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import polars as pl

HERE = Path(__file__).parent
SHEET = HERE / "out" / "sheets" / "stock.xlsx"
COLUMNS = ["sku", "name", "counted_on", "pieces"]
FIRST = [
    ("BRD0001", "bread", date(2026, 1, 5), 40),
    ("MLK0001", "milk", date(2026, 1, 5), 120),
    ("CHS0001", "cheese", date(2026, 1, 6), 18),
    ("honey", "honey", date(2026, 1, 6), 7),
]
LATER = [
    ("BRD0001", "bread", date(2026, 1, 12), 35),
    ("MLK0001", "milk", date(2026, 1, 12), 90),
    ("HNY0001", "honey", date(2026, 1, 12), 7),
]

PAGE = ["--page", "table-overview", "--html", "out/stock.html"]


def write_sheet(rows: Sequence[tuple[str, str, date, int]]) -> None:
    """Write the spreadsheet, as somebody would save it."""
    SHEET.parent.mkdir(parents=True, exist_ok=True)
    table = pl.DataFrame(list(rows), COLUMNS, orient="row")
    table.write_excel(SHEET, worksheet="Stock", autofit=True)


def reporting(*words: str) -> None:
    """Show and run a command of the framework in this folder."""
    print(f"\n$ {' '.join(words)}", flush=True)
    program = Path(sys.executable).with_name(words[0])
    done = subprocess.run([program, *words[1:]], cwd=HERE, check=False)
    if done.returncode:
        raise SystemExit(done.returncode)


def main() -> None:
    """Run the report on the spreadsheet, twice."""
    shutil.rmtree(HERE / "out", ignore_errors=True)
    rows = "SELECT sku, name, counted_on, pieces FROM stock WHERE _deleted_at IS NULL"
    for sheet in (FIRST, LATER):
        write_sheet(sheet)
        reporting("reporting-run", "stock", "--quiet")
        reporting("reporting", "sql", "stock", rows)
    reporting("reporting", "render", "stock", *PAGE)


if __name__ == "__main__":
    main()
