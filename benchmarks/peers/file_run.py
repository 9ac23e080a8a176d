"""Tables in CSV files, read and checked by the framework and by polars alone.

Run by the interpreter that the framework is installed for: `file_run.py WHAT FOLDER`.
Prints the processor time of the work itself, without imports, and how many rows passed
the checks.

- `checked` and `checked-bare`: types, no nulls, a unique key.
- `read` and `read-bare`: types alone.
- `parse` and `parse-bare`: each file as one text, twenty times.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import polars as pl

SCHEMA = pl.Schema(
    {
        "sku": pl.String(),
        "price": pl.Decimal(10, 2),
        "day": pl.Date(),
        "number": pl.Int64(),
        "note": pl.String(),
    }
)
KEY = ("sku", "number")
TYPES = {
    "sku": "string",
    "price": "decimal(10,2)",
    "day": "date",
    "number": "int64",
    "note": "string",
}


def ours(folder: Path, *, checked: bool) -> int:
    """Read with the source, and check each batch with the validator."""
    from reporting_files.settings import FilesSettings
    from reporting_files.source import Files
    from reporting_framework.builtin.frame_settings import FrameSettings
    from reporting_framework.builtin.frame_validator import FrameValidator
    from reporting_framework.execution.progress import CombinedLedger, EmptyLedger

    source = Files(FilesSettings(uri=str(folder), columns=TYPES))
    rules = {name: {"not_null": True} for name in TYPES}
    settings = FrameSettings.model_validate({"rules": rules, "primary_key": KEY})
    validator = FrameValidator(settings)
    validator.bind(source.schema() or SCHEMA)
    rows = 0
    for split in source.plan(CombinedLedger([EmptyLedger()], None)):
        for batch in source.read(split):
            if batch.frame is None:
                continue
            frame = validator.validate(batch).frame if checked else batch.frame
            rows += frame.height
    source.close()
    return rows


def bare(folder: Path, *, checked: bool) -> int:
    """Scan all files with polars, and apply the same checks."""
    scan = pl.scan_csv(sorted(folder.iterdir()), schema=SCHEMA)
    if checked:
        present = pl.all_horizontal(pl.all().is_not_null())
        scan = scan.filter(present & pl.struct(KEY).is_first_distinct())
    return scan.collect().height


def parse(folder: Path) -> int:
    """Parse texts as the source does."""
    from reporting_files.csv_dialect import read_header
    from reporting_files.csv_records import CsvRecords
    from reporting_files.settings import FilesSettings

    rows = 0
    for path in folder.iterdir():
        text = path.read_bytes()
        table = read_header(text, FilesSettings(uri=str(folder)))
        records = CsvRecords(table, '"', [], {"number": pl.Int64()})
        for _ in range(20):
            rows += records.parse(text[table.body :]).frame.height
    return rows


def parse_bare(folder: Path) -> int:
    """Parse texts with polars."""
    schema = {**dict.fromkeys(SCHEMA, pl.String()), "number": pl.Int64()}
    rows = 0
    for path in folder.iterdir():
        text = path.read_bytes()
        body = text.find(b"\n") + 1
        for _ in range(20):
            frame = pl.read_csv(text[body:], schema=schema, has_header=False)
            rows += frame.height
    return rows


WORK: dict[str, Callable[..., int]] = {"bare": bare, "": ours}


def main() -> None:
    """Do the work, and print what it took."""
    what, folder = sys.argv[1], Path(sys.argv[2])
    kind, _, who = what.partition("-")
    import reporting_files.source  # noqa: F401 - is not measured

    began = time.process_time()
    if kind == "parse":
        rows = (parse_bare if who else parse)(folder)
    else:
        rows = WORK[who](folder, checked=kind == "checked")
    taken = time.process_time() - began
    print(json.dumps({"seconds": taken, "rows": rows}))


if __name__ == "__main__":
    main()
