"""The parts that every row of the table needs.

They are our program, its peers, a place to work in, and the row itself.
"""

import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.measure import BenchmarkError, Usage, measure

REPORT = "event-log-checkpoint"

WORSE = 1.15
"""Factor by which a row may be worse than before."""


@dataclass(frozen=True)
class Row:
    """One line of the table: a ratio (or a number) and the bound that it is held to."""

    name: str
    what: str
    bound: float
    found: float
    measured: str
    at_least: bool = False  # else at most
    unit: str = "×"

    @property
    def held(self) -> bool:
        """True if the bar is held."""
        return self.found >= self.bound if self.at_least else self.found <= self.bound


def worse(rows: Sequence[Row], known: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return a message for each row that is worse than before.

    Args:
        rows: The rows.
        known: Rows of `results.json` by name. A row without one is not compared.
    """
    messages = []
    for row in rows:
        if (before := known.get(row.name)) is None:
            continue
        low, high = sorted((row.found, before["found"]))
        fell = (row.found == low) == row.at_least
        if fell and high > WORSE * low:
            messages.append(
                f"{row.name}: {row.found:.2f} {row.unit}, and"
                f" {before['found']:.2f} {row.unit} in results.json"
            )
    return messages


@dataclass(frozen=True)
class Group:
    """Rows that are measured together."""

    names: tuple[str, ...]
    measure: "Callable[[Bench], Sequence[Row]]"


@dataclass(frozen=True)
class Bench:
    """The way to run what is measured, and on how much.

    The number `scale` divides every number of records.
    """

    program: Sequence[str]
    scale: int
    work: Path

    def ours(
        self,
        source: Path | str,
        checkpoint: Path | str,
        read: int,
        environment: Mapping[str, str] | None = None,
    ) -> Usage:
        """Run the report.

        Args:
            source: a folder or an S3 URI.
            checkpoint: a path or an S3 URI.
            read: how many records it must read, no more and no fewer.
            environment: the AWS variables.

        Raises:
            BenchmarkError: It failed, or did something else than was asked.
        """
        usage = self._run(source, checkpoint, environment)
        answer = usage.answer
        done = (
            answer.get("status"),
            answer.get("complete"),
            answer.get("records_read"),
        )
        if done != ("ok", True, read):
            raise BenchmarkError(
                f"{REPORT}: expected status ok, complete, {read} records read; found"
                f" {done}"
            )
        return usage

    def settle(
        self, source: str, checkpoint: str, environment: Mapping[str, str]
    ) -> None:
        """Run the report where nothing should be new, however much of it is read again.

        Raises:
            BenchmarkError: It failed, or accepted something.
        """
        answer = self._run(source, checkpoint, environment).answer
        if (answer.get("status"), answer.get("accepted")) != ("ok", 0):
            raise BenchmarkError(
                f"{REPORT}: expected nothing new, found {answer.get('accepted')}"
                f" ({answer.get('status')})"
            )

    def _run(
        self,
        source: Path | str,
        checkpoint: Path | str,
        environment: Mapping[str, str] | None,
    ) -> Usage:
        where = ["--source", str(source), "--checkpoint", str(checkpoint)]
        return measure(
            [*self.program, REPORT, *where, "--format", "json", "--quiet"], environment
        )

    def peer(
        self,
        name: str,
        *arguments: Path | str,
        environment: Mapping[str, str] | None = None,
    ) -> Usage:
        """Run one of `benchmarks.peers`."""
        words = [str(argument) for argument in arguments]
        return measure(
            [sys.executable, "-m", f"benchmarks.peers.{name}", *words], environment
        )

    def fresh(self, name: str) -> Path:
        """Return an empty folder to write to."""
        path = self.work / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        return path


def seconds(value: float) -> str:
    """Format a duration for people."""
    return f"{value:.2f} s"


def megabytes(value: float) -> str:
    """Format a size for people."""
    return f"{value / 1e6:.0f} MB"
