"""Record of a run in the history of runs.

Errors in recording history never fail the run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from reporting_framework._text.messages import redacted
from reporting_framework.errors import StorageUnavailable
from reporting_framework.execution.plugin_errors import Owner, call, log_errors
from reporting_framework.plugin_api.records import SOURCE_KEY, VERSION, UpsertCounts
from reporting_framework.plugin_api.result import RunRecord
from reporting_framework.plugin_api.source_keys import without
from reporting_framework.registry.discovery import FRAMEWORK
from reporting_framework.storage.timeouts import call_within

if TYPE_CHECKING:
    import polars as pl

    from reporting_framework.execution.pipeline import Pipeline
    from reporting_framework.metadata.history import RunHistory
    from reporting_framework.plugin_api.records import SplitResult
    from reporting_framework.plugin_api.result import RunResult

MAX_LISTED = 50
"""Outputs and reasons for rejection that a record holds, at the most: a checkpoint may
have a file for every day.
"""

TIMEOUT_SECONDS = 60.0
"""Seconds that a history may take to write something. One that hangs would hold up a
run for a quarter of an hour.
"""

_NO_LINEAGE = "nothing is set down of where this run's rows come from"


class Recorder:
    """Feeds the history of one run.

    An error of the history's is logged, and then it is let be.

    Args:
        pipeline: The report.
        run_id: The run.
        at: When it began.
        replay: Whether it reads quarantined objects again, and nothing else.

    Attributes:
        inputs: Places that the source reads, as URIs without credentials.
        history: The history, from `use_history` on; None: there is none, or it took too
            long.
    """

    def __init__(
        self, pipeline: Pipeline, run_id: str, at: datetime, *, replay: bool = False
    ) -> None:
        self._pipeline, self._run_id, self._at, self._replay = (
            pipeline,
            run_id,
            at,
            replay,
        )
        self.history: RunHistory | None = None
        self._keeps_lineage = True
        self.inputs: list[str] = []

    def name_inputs(self) -> None:
        """Ask the source for the places that it reads."""

        def name() -> None:
            self.inputs = _inputs(self._pipeline)

        self._log_failure(name, "this run does not say what it reads")

    def use_history(self) -> None:
        """Take the report's history, if it has one."""

        def take() -> None:
            self.history = self._pipeline.history

        self._log_failure(take, "there is no history of this run")

    def add(self, split_result: SplitResult) -> None:
        """Take in the source keys of the rows that a split brought or deleted."""
        if self.history is None or not self._keeps_lineage:
            return
        if split_result.accepted:
            turned = {rejection.source_key for rejection in split_result.rejections}
            self._add_rows(
                *without(turned, split_result.source_keys, split_result.versions)
            )
        if (deletes := split_result.deletes) is not None:
            self._add_rows(deletes[SOURCE_KEY], deletes[VERSION])

    def _add_rows(
        self,
        source_keys: Sequence[str] | pl.Series,
        versions: Sequence[str | None] | pl.Series,
    ) -> None:
        if self.history is not None and self._keeps_lineage:
            self._keeps_lineage = self._log_failure(
                partial(self.history.add_rows, source_keys, versions), _NO_LINEAGE
            )

    def flush(self) -> None:
        """Set down where the rows come from that are about to be committed."""
        if self.history is not None and self._keeps_lineage:
            validator = self._pipeline.validator.name
            write = partial(
                self.history.flush,
                run_id=self._run_id,
                validator=validator,
                at=self._at,
            )
            self._log_failure(partial(self._with_timeout, write), _NO_LINEAGE)

    def finished(self, result: RunResult) -> None:
        """Keep the record of a run that is over and visible."""
        self._add_record(
            status=result.status,
            complete=result.complete,
            records_read=result.records_read,
            accepted=result.accepted,
            rejected=result.rejected,
            filtered=result.filtered,
            duplicates=result.duplicates,
            **{name: getattr(result, name) for name in UpsertCounts._fields},
            objects_unread=result.objects_unread,
            remaining=result.remaining,
            last_processed_timestamp=result.last_processed_timestamp,
            outputs=sorted(result.outputs, key=lambda output: output.new_rows == 0)[
                :MAX_LISTED
            ],
            rejections=result.rejections[:MAX_LISTED],
        )

    def failed(self, error: BaseException) -> None:
        """Keep the record of a run that was given up."""
        self._add_record(status="failed", complete=False, error=type(error).__name__)

    def _add_record(self, **what: Any) -> None:
        if self.history is None:
            return
        history = self.history

        def add_record() -> None:
            record = RunRecord(
                run_id=self._run_id,
                report=self._pipeline.report,
                started_at=self._at,
                finished_at=datetime.now(UTC),
                replay=self._replay,
                inputs=self.inputs,
                steps=list(self._pipeline.steps),
                framework=version(FRAMEWORK),
                **what,
            )
            self._with_timeout(lambda: history.add_run(record))

        self._log_failure(add_record, "the history does not have this run")

    def _with_timeout(self, work: Callable[[], None]) -> None:
        """Do something that may hang.

        A history that takes too long is asked for nothing more.
        """
        try:
            call_within(TIMEOUT_SECONDS, work, "reporting-history")
        except TimeoutError:
            self.history = None
            raise StorageUnavailable(
                f"it took longer than {TIMEOUT_SECONDS:g} s, and is left to itself"
            ) from None

    def _log_failure(self, action: Callable[[], object], consequence: str) -> bool:
        """Do something whose failure is logged; return whether it was done."""
        owner = Owner(self._pipeline.report, "history of", "runs")
        return log_errors(lambda: call(owner, action), consequence)


def _inputs(pipeline: Pipeline) -> list[str]:
    """Places that the source reads; without credentials, whatever the source says."""
    return [redacted(uri) for uri in pipeline.source.source_uris()]
