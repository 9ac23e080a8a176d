"""The bars of the event processor: decoding, validating and encoding a batch, of what others take for the same."""

import os
from collections.abc import Sequence
from pathlib import Path

from benchmarks.bench import Bench, Group, Row
from benchmarks.measure import Usage, alternate, measure

TIMES = 3
RECORDS = 10_000
SCRIPT = Path(__file__).parent / "peers" / "event_batch.py"


def batch(bench: Bench) -> Sequence[Row]:
    """Records of 400 bytes on one core, against Powertools' batch processor and a bare loop."""
    python = str(Path(bench.program[0]).with_name("python"))
    number = RECORDS // bench.scale

    def run(name: str) -> Usage:
        return measure([python, str(SCRIPT), name, str(number)], dict(os.environ))

    ours, powertools, bare = (
        min(float(usage.answer["seconds"]) for usage in usages)
        for usages in alternate(TIMES, lambda: run("ours"), lambda: run("powertools"), lambda: run("bare"))
    )
    rates = [f"{number / seconds:,.0f}" for seconds in (ours, powertools, bare)]
    what = "decode, validate and archive-encode 10,000 records of 400 bytes, one core: events a second, of those of"
    return [
        Row(
            "events-powertools",
            f"{what} Powertools' BatchProcessor with a parser model",
            1.5,
            powertools / ours,
            f"{rates[0]} to {rates[1]}",
            at_least=True,
        ),
        Row(
            "events-bare",
            f"{what} a bare loop (TypeAdapter.validate_json, gzip)",
            0.6,
            bare / ours,
            f"{rates[0]} to {rates[2]}",
            at_least=True,
        ),
    ]


GROUPS = (Group(("events-powertools", "events-bare"), batch),)
