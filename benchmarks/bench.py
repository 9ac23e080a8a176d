"""The parts that every row of the table needs.

They are our program, its peers, and a place to work in.
"""

import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import BenchmarkError, Usage, measure

REPORT = "event-log-checkpoint"


@dataclass(frozen=True)
class Bench:
    """The way to run what is measured, and on how much.

    The number `scale` divides every number of records. The two reports run as their
    users have installed them, everything else in the workspace.
    """

    program: Sequence[str]
    reports: str
    scale: int
    work: Path

    @property
    def python(self) -> str:
        """The interpreter of the workspace."""
        return str(Path(self.program[0]).with_name("python"))

    @property
    def reports_python(self) -> str:
        """The interpreter that the two reports are installed for."""
        return str(Path(self.reports).with_name("python"))

    def imports(self, modules: str) -> Usage:
        """Start Python and import some modules, as the reports' interpreter does."""
        return measure([self.reports_python, "-c", f"import {modules}"])

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
            [self.reports, REPORT, *where, "--format", "json", "--quiet"], environment
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
