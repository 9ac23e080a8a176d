"""Recorded lines of a Singer tap, read by the framework and by msgspec alone.

Run by the interpreter that the framework is installed for: `singer_run.py WHAT FILE`.
Prints the time and the processor time of the work itself, without imports, and the
number of rows.

- `report`: a whole report, from the lines to a table in Parquet.
- `read`: the source alone.
- `bare`: msgspec decodes each line, and polars makes one frame of the records.
"""

import json
import os
import sys
import tempfile
import time
from pathlib import Path

import msgspec
import polars as pl

REPORT = """
[reports.recorded.source]
use = "singer"
command = ["cat", "{lines}"]
discover = false
streams = ["customers"]

[reports.recorded.validator]
use = "frame"

[[reports.recorded.sinks]]
use = "parquet-checkpoint"
uri = "out/{{stream}}.parquet"
mode = "upsert"
"""


def report(lines: Path) -> int:
    """Run a report in a folder of its own."""
    from reporting_framework import run_report

    with tempfile.TemporaryDirectory(dir=lines.parent) as folder:
        os.chdir(folder)
        Path("reporting.toml").write_text(REPORT.format(lines=lines))
        return run_report("recorded").accepted


def read(lines: Path) -> int:
    """Read with the source."""
    from reporting_singer.settings import SingerSettings
    from reporting_singer.source import Singer

    source = Singer(
        SingerSettings(
            command=("cat", str(lines)), discover=False, streams=("customers",)
        )
    )
    rows = sum(
        batch.frame.height for batch in source.pages(None) if batch.frame is not None
    )
    source.close()
    return rows


def bare(lines: Path) -> int:
    """Decode each line with msgspec, and make one frame."""
    decoder = msgspec.json.Decoder()
    with lines.open("rb") as file:
        messages = map(decoder.decode, file)
        records = [each["record"] for each in messages if each["type"] == "RECORD"]
    return pl.DataFrame(records, infer_schema_length=None).height


def main() -> None:
    """Do the work, and print what it took."""
    what, lines = sys.argv[1], Path(sys.argv[2])
    import reporting_singer.source  # noqa: F401 - is not measured

    began, cpu = time.perf_counter(), time.process_time()
    rows = {"report": report, "read": read, "bare": bare}[what](lines)
    taken = {"seconds": time.process_time() - cpu, "time": time.perf_counter() - began}
    print(json.dumps({**taken, "rows": rows}))


if __name__ == "__main__":
    main()
