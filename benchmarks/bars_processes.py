"""The bar of worker processes: a model whose rule in Python holds the GIL."""

import os
from collections.abc import Sequence
from pathlib import Path

from benchmarks import data
from benchmarks.bench import Bench
from benchmarks.measure import (
    PAIRS,
    BenchmarkError,
    Usage,
    alternate,
    measure,
    middle,
)
from benchmarks.rows import Group, Row, compared, seconds

CONFIG = """
[reports.ruled]
source    = {{ use = "object-store-json", uri = "{source}", include = "log-*.json" }}
validator = {{ use = "pydantic", model = "benchmarks.peers.ruled_event:RuledEvent" }}
sinks     = [{{ use = "parquet-checkpoint", uri = "{checkpoint}" }}]
"""


def ruled(bench: Bench) -> Sequence[Row]:
    """Compare the engine `processes` with `local` in one process."""
    count = 200_000 // bench.scale
    source = data.folder(count)
    shared, alone = alternate(
        PAIRS,
        lambda: _run(bench, source, "--engine", "processes"),
        lambda: _run(bench, source, "--set", "engine.max_workers=0"),
    )
    found = {usage.answer["accepted"] for usage in (*shared, *alone)}
    if len(found) != 1:
        raise BenchmarkError(f"the engines accepted different numbers: {found}")
    return [
        compared(
            "processes-rule-time",
            f"first run, folder of {count:,} files, pydantic model with a rule, engine"
            " `processes`: times as fast as `local` in one process",
            1.6,
            shared,
            alone,
            "wall",
            at_least=True,
            more=f"processor time {seconds(middle(shared, 'cpu'))} to"
            f" {seconds(middle(alone, 'cpu'))}",
        )
    ]


def _run(bench: Bench, source: Path, *words: str) -> Usage:
    folder = bench.fresh("ruled")
    config = folder / "reporting.toml"
    config.write_text(
        CONFIG.format(source=source, checkpoint=folder / "events.parquet")
    )
    command = [*bench.program, "ruled", "--config", str(config), *words]
    return measure(
        [*command, "--format", "json", "--quiet"], {"PYTHONPATH": os.getcwd()}
    )


GROUPS = (Group(("processes-rule-time",), ruled),)
