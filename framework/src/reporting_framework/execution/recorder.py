"""Record of a run in the history of runs.

Errors in recording history never fail the run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from reporting_framework._text.messages import redacted
from reporting_framework._text.version import __version__
from reporting_framework.errors import CheckFailed, SchemaChanged, StorageUnavailable
from reporting_framework.execution.plugin_errors import Owner, call, log_errors
from reporting_framework.plugin_api.records import SOURCE_KEY, VERSION, UpsertCounts
from reporting_framework.plugin_api.result import RunRecord
from reporting_framework.plugin_api.source_keys import without
from reporting_framework.storage.timeouts import call_within

if TYPE_CHECKING:
    import polars as pl

    from reporting_framework.execution.pipeline import Pipeline
    from reporting_framework.metadata.history import RunHistory
    from reporting_framework.plugin_api.records import SplitResult
    from reporting_framework.plugin_api.result import RunResult

MAX_LISTED = 50
"""Maximum number of outputs, and of reasons for rejection, in a record: a checkpoint
may have a file for every day.
"""

TIMEOUT_SECONDS = 60.0
"""Time limit of a history write: a hanging write would block the run for a quarter of
an hour.
"""

_NO_LINEAGE = "the lineage of this run's rows is not recorded"


class Recorder:
    """Recorder of one run in the history.

    Errors of the history are logged and otherwise ignored.

    Args:
        pipeline: The report.
        run_id: Id of the run.
        at: Time at which the run began.
        replay: Whether the run is a replay.

    Attributes:
        inputs: Places that the source reads, as URIs without credentials.
        history: The history, from `use_history` on; `None`: there is none, or a write
            took too long.
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
        """Look up the places that the source reads."""

        def name() -> None:
            self.inputs = _inputs(self._pipeline)

        self._log_failure(name, "this run does not say what it reads")

    def use_history(self) -> None:
        """Start to use the report's history, if it has one."""

        def take() -> None:
            self.history = self._pipeline.history

        self._log_failure(take, "there is no history of this run")

    def add(self, split_result: SplitResult) -> None:
        """Add the source keys of the rows that a split added or deleted."""
        if self.history is None or not self._keeps_lineage:
            return
        if split_result.accepted:
            self._add_rows(
                *without(
                    split_result.rejections,
                    split_result.source_keys,
                    split_result.versions,
                )
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
        """Write the lineage of the rows that are about to be committed."""
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
        """Write the record of a run that has ended and is visible."""
        self._add_record(**_facts(result), committed=True)

    def failed(self, error: BaseException) -> None:
        """Write the record of a run that failed."""
        facts: dict[str, Any] = {"status": "failed", "complete": False}
        if isinstance(error, CheckFailed):
            facts = _facts(error.result)
        elif isinstance(error, SchemaChanged):
            facts["schema_changes"] = list(error.changes[:MAX_LISTED])
        committed = bool(facts.get("outputs"))
        self._add_record(**facts, error=type(error).__name__, committed=committed)

    def _add_record(self, *, committed: bool, **what: Any) -> None:
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
                framework=__version__,
                **what,
            )
            columns = self._pipeline.source_schema if committed else None
            known: dict[str, Any] = {}
            if columns is not None:
                known["schemas"] = (columns.source, columns.taken)
            if committed and (key := self._pipeline.source.primary_key):
                known["primary_key"] = key
            self._with_timeout(lambda: history.add_run(record, **known))

        self._log_failure(add_record, "the history does not have this run")

    def _with_timeout(self, work: Callable[[], None]) -> None:
        """Do work that may hang; after a timeout, the history is no longer used."""
        try:
            call_within(TIMEOUT_SECONDS, work, "reporting-history")
        except TimeoutError:
            self.history = None
            raise StorageUnavailable(
                f"it took longer than {TIMEOUT_SECONDS:g} s, and is left to itself"
            ) from None

    def _log_failure(self, action: Callable[[], object], consequence: str) -> bool:
        """Call an action whose failure is logged; return whether it succeeded."""
        owner = Owner(self._pipeline.report, "history of", "runs")
        return log_errors(lambda: call(owner, action), consequence)


def _inputs(pipeline: Pipeline) -> list[str]:
    """Return the places that the source reads, always without credentials."""
    return [redacted(uri) for uri in pipeline.source.source_uris()]


def _facts(result: RunResult) -> dict[str, Any]:
    """Return what the history keeps of a result."""
    return dict(
        status=result.status,
        complete=result.complete,
        cut_short=result.cut_short,
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
        checks=result.checks[:MAX_LISTED],
        schema_changes=result.schema_changes[:MAX_LISTED],
    )
