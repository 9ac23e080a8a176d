"""The real command line, in processes of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "visit-events"
PROGRAM = Path(sys.executable).parent / "reporting-run"

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts the report; what still runs at the end of the test is killed."""
    processes: list[subprocess.Popen[str]] = []

    def begin(source: object, checkpoint: object, *more: str) -> subprocess.Popen[str]:
        command = [str(PROGRAM), "event-log-checkpoint", "--source", str(source), "--checkpoint", str(checkpoint)]
        process = subprocess.Popen(
            [*command, "--format", "json", "--quiet", *more],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"NO_COLOR": "1"},
        )
        processes.append(process)
        return process

    yield begin
    for process in processes:
        process.kill()
        process.communicate()


@pytest.fixture
def report(start: Start) -> Callable[..., dict[str, Any]]:
    """Runs the report to its end and gives its result."""

    def run(source: object, checkpoint: object, *more: str) -> dict[str, Any]:
        return finish(start(source, checkpoint, *more))

    return run


def finish(process: subprocess.Popen[str]) -> dict[str, Any]:
    """The result of a process that ends well; the counts must add up."""
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    result: dict[str, Any] = json.loads(out)
    parts = ("accepted", "rejected", "filtered", "duplicates")
    assert result["records_read"] == sum(result[part] for part in parts)
    return result
