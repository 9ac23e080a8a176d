"""A progress bar: an observer like any other, there only when stderr is a terminal."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from reporting_framework.markers import hookimpl

if TYPE_CHECKING:
    from rich.console import Console

    from reporting_framework.records import Outcome


def wanted(*, quiet: bool) -> bool:
    """Whether there is anyone to look at a progress bar."""
    return not quiet and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


class ProgressBar:
    """Records read and turned away so far. How many there will be is known only when all are listed."""

    def __init__(self, console: Console | None = None) -> None:
        from rich.console import Console
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        self.progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            TextColumn("{task.completed:,.0f} read"),
            TextColumn("{task.fields[kept]:,} accepted, {task.fields[rejected]:,} rejected or filtered"),
            TimeElapsedColumn(),
            console=console or Console(stderr=True),
            transient=True,
        )
        self.task = self.progress.add_task("", total=None, kept=0, rejected=0)
        self.kept = self.rejected = 0

    @hookimpl
    def reporting_run_started(self, report: str) -> None:
        """Show it."""
        self.progress.update(self.task, description=report)
        self.progress.start()

    @hookimpl
    def reporting_split_finished(self, outcome: Outcome) -> None:
        """Move on."""
        self.kept += outcome.accepted
        self.rejected += len(outcome.rejections)
        self.progress.update(
            self.task, advance=len(outcome.origins), kept=self.kept, rejected=self.rejected, refresh=False
        )

    def close(self) -> None:
        """Take it away; also after an interruption, of which no hook tells."""
        self.progress.stop()
