"""The cost of a program that runs as a child.

It is the time, the processor time and the peak memory.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

LAUNCHER = Path(__file__).with_name("launch.py")
PAIRS = 7
"""Times that two programs are run in turn."""
SHORT_PAIRS = 21
"""The same for starts and increments, which take two seconds or less."""
SLOW_PAIRS = 3
"""The same for pairs that take over ten seconds."""
COUNTED = ("wall", "cpu", "peak")
"""Figures that the kernel counts."""


class BenchmarkError(RuntimeError):
    """A program that was to be measured failed, or did not do what was asked."""


@dataclass(frozen=True)
class Usage:
    """Resource usage and output of one run.

    `wall` and `cpu` are in seconds, `peak` resident memory is in bytes.
    """

    wall: float
    cpu: float
    peak: int
    output: str

    @property
    def answer(self) -> dict[str, Any]:
        """The output as the JSON object that programs print.

        Raises:
            BenchmarkError: It is something else.
        """
        try:
            document = json.loads(self.output)
        except ValueError as error:
            raise BenchmarkError(f"no JSON but {self.output[:200]!r}") from error
        if not isinstance(document, dict):
            raise BenchmarkError(f"no JSON object but {self.output[:200]!r}")
        return document


def measure(
    command: Sequence[str], environment: Mapping[str, str] | None = None
) -> Usage:
    """Run a command to its end.

    Args:
        command: the program and its arguments.
        environment: the AWS variables it gets; those of this process are kept from it.

    Raises:
        BenchmarkError: It ended with a status other than 0; the message holds the end
            of what it said.
    """
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith("AWS_")
    }
    launched = subprocess.run(
        [sys.executable, "-I", "-S", str(LAUNCHER), *command],
        capture_output=True,
        text=True,
        check=True,
        env=kept | dict(environment or {}),
    )
    output, _, last = launched.stdout.rstrip("\n").rpartition("\n")
    cost = json.loads(last)
    if cost["code"]:
        message = (launched.stderr or output).strip()[-1000:]
        raise BenchmarkError(
            f"{' '.join(command[:3])} … ended with {cost['code']}: {message}"
        )
    return Usage(cost["wall"], cost["cpu"], cost["peak"], output)


def alternate(times: int, *runs: Callable[[], Usage]) -> list[list[Usage]]:
    """Run each in turn, all of them `times` over.

    What disturbs the machine for a while then disturbs all alike.
    """
    turns = [[run() for run in runs] for _ in range(times)]
    return [list(usages) for usages in zip(*turns, strict=True)]


def middle(usages: Sequence[Usage], what: str) -> float:
    """Return the median of several runs.

    Args:
        usages: The runs.
        what: `wall`, `cpu`, `peak`, or a key of the programs' answers.
    """
    return median(_figure(usage, what) for usage in usages)


def ratio(ours: Sequence[Usage], others: Sequence[Usage], what: str) -> float:
    """Return the median of the ratios of two programs that `alternate` ran in turn.

    The two runs of a pair follow each other, so a machine that is busy for a while
    changes both alike and hardly their ratio.

    Args:
        ours: The runs of the one.
        others: The runs of the other, in the same order.
        what: `wall`, `cpu`, `peak`, or a key of the programs' answers.
    """
    pairs = zip(ours, others, strict=True)
    return median(_figure(one, what) / _figure(other, what) for one, other in pairs)


def _figure(usage: Usage, what: str) -> float:
    value = usage.answer[what] if what not in COUNTED else getattr(usage, what)
    return float(value)
