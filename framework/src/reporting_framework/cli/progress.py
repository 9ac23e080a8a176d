"""Progress bar: an observer that is registered if stderr is a terminal."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

from reporting_framework.plugin_api.markers import hookimpl

if TYPE_CHECKING:
    from rich.console import Console

    from reporting_framework.plugin_api.records import SplitResult


def is_shown(*, quiet: bool) -> bool:
    """Return true if a progress bar should be shown."""
    return not quiet and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


class ProgressBar:
    """Bar with the number of records read, accepted and rejected, and the rate.

    Args:
        console: Console to draw on; stderr by default.
        total: Expected number of records, if known; it is unknown for a listing.
    """

    def __init__(
        self, console: Console | None = None, total: int | None = None
    ) -> None:
        from rich.console import Console
        from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        self.progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            TextColumn(
                "{task.completed:,.0f}" + (f" of {total:,}" if total else "") + " read"
            ),
            TextColumn("{task.fields[rate]:,.0f}/s"),
            TextColumn(
                "{task.fields[kept]:,} accepted, {task.fields[rejected]:,} rejected or"
                " filtered"
            ),
            TimeElapsedColumn(),
            console=console or Console(stderr=True),
            transient=True,
        )
        self.task = self.progress.add_task(
            "", total=total, kept=0, rejected=0, rate=0.0
        )
        self.read = self.kept = self.rejected = 0
        self.began = time.monotonic()

    @hookimpl
    def reporting_run_started(self, report: str) -> None:
        """Show the bar; of several runs, the first one begins to count."""
        if not self.read:
            self.began = time.monotonic()
        self.progress.update(self.task, description=report)
        self.progress.start()

    @hookimpl
    def reporting_split_finished(self, split_result: SplitResult) -> None:
        """Add the records of a split."""
        self.read += len(split_result.source_keys)
        self.kept += split_result.accepted
        self.rejected += len(split_result.rejections)
        rate = self.read / max(time.monotonic() - self.began, 0.001)
        self.progress.update(
            self.task,
            completed=self.read,
            kept=self.kept,
            rejected=self.rejected,
            rate=rate,
            refresh=False,
        )

    def close(self) -> None:
        """Remove the bar; no hook reports an interruption, so the caller does this."""
        self.progress.stop()
