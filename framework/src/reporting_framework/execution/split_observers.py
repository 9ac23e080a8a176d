"""Observers of the splits of a run: history, log and lifecycle hooks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from reporting_framework.execution.rejection_summary import RejectionLog

if TYPE_CHECKING:
    from reporting_framework.execution.planning import Run
    from reporting_framework.execution.recorder import Recorder
    from reporting_framework.plugin_api.records import ReadFailure, SplitResult
    from reporting_framework.registry.observers import Lifecycle


class SplitObservers:
    """Observers of a run's splits: its history, its log and the lifecycle hooks.

    Args:
        run: The run.
        recorder: Its history.
        lifecycle: The hooks.
    """

    def __init__(self, run: Run, recorder: Recorder, lifecycle: Lifecycle) -> None:
        self._run, self._recorder, self._lifecycle = run, recorder, lifecycle
        self._rejected = RejectionLog()

    def add(self, result: SplitResult) -> None:
        """Report one split's result."""
        known = {"report": self._run.pipeline.report, "run_id": self._run.id}
        self._recorder.add(result)
        self._lifecycle.split_finished(**known, split=result.split, split_result=result)
        if result.rejections:
            self._rejected.add(result.rejections)
            self._lifecycle.records_rejected(**known, rejections=result.rejections)

    def finish(self, unread: Sequence[ReadFailure]) -> None:
        """Report the end of all splits, with the objects that were not read."""
        self._rejected.finish(unread)
