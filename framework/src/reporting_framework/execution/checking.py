"""Checks of a run: its source's columns, its rows and the table."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NoReturn

from reporting_framework.errors import CheckFailed, ReportingError
from reporting_framework.execution.source_schema import schema_changes
from reporting_framework.plugin_api.result import CheckOutcome, RunResult, Seconds

if TYPE_CHECKING:
    from reporting_framework.execution.committing import Committing
    from reporting_framework.execution.planning import Run
    from reporting_framework.execution.recorder import Recorder
    from reporting_framework.execution.report_checks import ReportChecks
    from reporting_framework.execution.totals import RunTotals

MAX_EARLIER = 100
"""Maximum number of earlier runs whose numbers of rows are looked up."""

_log = logging.getLogger(__name__)


class Checking:
    """Comparison of the source's columns, and checks of one run.

    Args:
        run: The run.
        recorder: Recorder of the run, unless it writes nothing.

    Raises:
        SchemaChanged: The report's contract forbids the columns of the source.
        ReportingError: The columns cannot be compared, and there is a contract.
    """

    def __init__(self, run: Run, recorder: Recorder | None) -> None:
        self._run = run
        self._changes = schema_changes(run.pipeline, recorder)
        self._outcomes: list[CheckOutcome] = []

    def judge(
        self, committing: Committing, totals: RunTotals, *, snapshot: bool
    ) -> None:
        """Judge all checks before the commit.

        Args:
            committing: The commit.
            totals: Totals of the run.
            snapshot: Whether the splits cover all records of the source.

        Raises:
            CheckFailed: A check that stops the commit failed, and this is no dry run.
            ReportingError: A table cannot be read.
        """
        checks = self._run.pipeline.checks
        if checks is None:
            return
        from reporting_framework.checks.base import RunFacts
        from reporting_framework.checks.resolution import Prospect

        run = self._run
        context = committing.context(snapshot=snapshot)
        ordered = sorted(totals.check_parts, key=lambda staged: staged[0])
        partial = self._partial(totals)
        with totals.timed("check"):
            self._outcomes = checks.judge(
                [part for _, parts in ordered for part in parts],
                Prospect(
                    "append",
                    context.snapshot,
                    context.not_staged,
                    committing.keeps_table(),
                ),
                RunFacts(run.at, partial, {} if partial else self._earlier(checks)),
            )
        for outcome in self._outcomes:
            if outcome.failed and (outcome.severity == "warn" or not run.writes):
                _log.warning("%s", self._sentence(outcome))
        stopping = [item for item in self._failures() if item.name in checks.blocking]
        if stopping:
            took = round(time.monotonic() - run.began, 6)
            result = RunResult(
                report=run.pipeline.report,
                run_id=run.id,
                status="failed",
                complete=False,
                checks=self._outcomes,
                schema_changes=self._changes,
                seconds=Seconds(total=took),
            )
            self._fail(
                stopping,
                "nothing was committed; correct the records at the source, or set its"
                " severity to warn",
                result,
            )

    def add_to(self, result: RunResult) -> RunResult:
        """Return the result with changed columns and the outcomes of checks.

        Raises:
            CheckFailed: A check that does not stop the commit failed.
        """
        more = {"checks": self._outcomes, "schema_changes": self._changes}
        result = result.model_copy(update=more)
        if failures := self._failures():
            self._fail(
                failures,
                "the rows of this run are committed",
                result.model_copy(update={"status": "failed"}),
            )
        return result

    def _failures(self) -> list[CheckOutcome]:
        """Return the failed checks that end the run; a dry run only shows them."""
        return [
            outcome
            for outcome in self._outcomes
            if outcome.failed and outcome.severity == "fail" and self._run.writes
        ]

    def _fail(
        self, failures: Sequence[CheckOutcome], consequence: str, result: RunResult
    ) -> NoReturn:
        first, *others = failures
        more = f" (and {', '.join(item.name for item in others)})" if others else ""
        raise CheckFailed(f"{self._sentence(first)}{more}; {consequence}", result)

    def _sentence(self, outcome: CheckOutcome) -> str:
        return (
            f"report {self._run.pipeline.report}: check {outcome.name} failed:"
            f" {outcome.problem}"
        )

    def _partial(self, totals: RunTotals) -> str:
        """Return why the run's rows are not all that there are, or an empty text."""
        if not self._run.writes:
            return "a dry run reads a sample"
        if self._run.replay is not None:
            return "a replay reads quarantined objects only"
        if not totals.complete or totals.unread:
            return "the run is incomplete"
        return ""

    def _earlier(self, checks: ReportChecks) -> Mapping[str, Sequence[int]]:
        """Return the numbers of rows that earlier complete runs have measured."""
        history = self._run.pipeline.history
        names = [
            check.name for check in checks.checks if check.kind == "row_count_change"
        ]
        found: dict[str, list[int]] = {name: [] for name in names}
        if not names or history is None:
            return found
        try:
            for record in history.newest():
                if record.replay or not record.complete:
                    continue
                for outcome in record.checks:
                    rows = outcome.measured.get("rows")
                    if outcome.name in found and isinstance(rows, int):
                        found[outcome.name].append(rows)
                if all(len(numbers) >= MAX_EARLIER for numbers in found.values()):
                    break
        except ReportingError as error:
            _log.warning("numbers of rows of earlier runs are not known: %s", error)
        return found
