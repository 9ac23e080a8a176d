"""The bars of Singer taps: recorded lines, beside a target from PyPI and msgspec.

The target is in an environment of its own, as its dependencies are not those of the
other peers.
"""

import hashlib
import json
import shlex
import shutil
import subprocess
import venv
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
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
)
from benchmarks.rows import Group, Row, compared

LINES = 200_000
STATE_EVERY = 10_000
PEERS = Path(__file__).parent / "peers"
SCRIPT = PEERS / "singer_run.py"
REQUIREMENTS = PEERS / "target_csv.txt"
START = datetime(2024, 1, 1, tzinfo=UTC)
TEXT = {"type": ["null", "string"]}
TIME = {"type": ["null", "string"], "format": "date-time"}
SCHEMA = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "name": TEXT,
        "email": TEXT,
        "active": {"type": ["null", "boolean"]},
        "score": {"type": ["null", "number"]},
        "city": TEXT,
        "created_at": TIME,
        "updated_at": TIME,
        "amount": {"type": ["null", "number"]},
        "notes": TEXT,
        "tags": {"type": ["null", "array"], "items": {"type": "string"}},
        "address": {
            "type": ["null", "object"],
            "properties": {"street": TEXT, "zip": TEXT},
        },
    },
}


def _record(number: int) -> dict[str, object]:
    created = START + timedelta(seconds=number)
    return {
        "id": number,
        "name": f"customer {number}",
        "email": f"user{number}@example.org",
        "active": number % 3 == 0,
        "score": number / 7,
        "city": ("Oslo", "Bergen", "Paris")[number % 3],
        "created_at": created.isoformat(),
        "updated_at": (created + timedelta(days=90, microseconds=number)).isoformat(),
        "amount": round(number * 1.37, 2),
        "notes": None if number % 5 else "some text of a note that is longer",
        "tags": ["a", "b"],
        "address": {"street": "x", "zip": str(number)},
    }


def _write(path: Path, lines: int) -> None:
    """Write lines as a tap of the Singer SDK does."""
    described = {
        "type": "SCHEMA",
        "stream": "customers",
        "schema": SCHEMA,
        "key_properties": ["id"],
        "bookmark_properties": ["updated_at"],
    }
    with path.open("w") as file:

        def line(message: object) -> None:
            file.write(json.dumps(message, separators=(",", ":")) + "\n")

        line(described)
        for at in range(1, lines + 1):
            line(
                {
                    "type": "RECORD",
                    "stream": "customers",
                    "record": _record(at),
                    "time_extracted": START.isoformat(),
                }
            )
            if at % STATE_EVERY == 0:
                line({"type": "STATE", "value": {"bookmarks": {"customers": at}}})


def _target() -> Path:
    """Return the program of the target; install it unless it is there."""
    digest = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]
    folder = data.CACHE / f"target-{digest}"
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True)
        python = str(folder / "bin" / "python")
        install = [python, "-m", "pip", "install", "--quiet"]
        subprocess.run([*install, "--requirement", str(REQUIREMENTS)], check=True)
        (folder / "complete").touch()
    return folder / "bin" / "target-csv"


def recorded(bench: Bench) -> Sequence[Row]:
    """Measure recorded lines to a table, and the reading alone."""
    number = LINES // bench.scale
    folder, program = bench.fresh("singer"), _target()
    lines, table = folder / "lines.jsonl", folder / "customers.csv"
    _write(lines, number)
    (folder / "config.json").write_text(json.dumps({"output_path": str(folder)}))
    words = shlex.join([str(program), "--config", str(folder / "config.json")])

    def ours(what: str) -> Usage:
        usage = measure([bench.python, str(SCRIPT), what, str(lines)])
        if usage.answer["rows"] != number:
            raise BenchmarkError(f"{what}: {usage.answer['rows']} rows, not {number}")
        return usage

    def target() -> Usage:
        table.unlink(missing_ok=True)
        usage = measure(["sh", "-c", f"exec {words} < {shlex.quote(str(lines))}"])
        with table.open("rb") as file:
            rows = sum(1 for _ in file) - 1
        if rows != number:
            raise BenchmarkError(f"target-csv: {rows} rows, not {number}")
        return usage

    reports, targets = alternate(SLOW_PAIRS, lambda: ours("report"), target)
    reads, bares = alternate(PAIRS, lambda: ours("read"), lambda: ours("bare"))
    what = f"{number:,} recorded lines of a Singer tap"
    return [
        compared(
            "singer-target",
            f"{what} to a checkpoint: times as fast as `target-csv`",
            10,
            reports,
            targets,
            "wall",
            at_least=True,
        ),
        compared(
            "singer-msgspec",
            f"{what}, read: times as fast as msgspec and one frame",
            0.7,
            reads,
            bares,
            "seconds",
            at_least=True,
        ),
    ]


GROUPS = (Group(("singer-target", "singer-msgspec"), recorded),)
