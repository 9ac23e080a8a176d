"""Warnings of a run: probable mistakes that are not errors."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from reporting_framework._text.messages import redacted
from reporting_framework.errors import ReportingError
from reporting_framework.plugin_api.records import LOOKS_LIKE

if TYPE_CHECKING:
    from reporting_framework.execution.pipeline import Pipeline
    from reporting_framework.plugin_api.ledger import Ledger
    from reporting_framework.plugin_api.result import RunResult
    from reporting_framework.plugin_api.source import PlanStats

_log = logging.getLogger(__name__)


class RunWarnings:
    """Collector of the warnings of one run, for its log and its result.

    Args:
        pipeline: The report.
        inputs: Places that the run reads, as URIs without credentials.
    """

    def __init__(self, pipeline: Pipeline, inputs: Sequence[str]) -> None:
        self._pipeline, self._inputs = pipeline, inputs
        self._taken, self._before = False, list[str]()

    def read_last_run(self, ledgers: Sequence[Ledger]) -> None:
        """Look up the inputs of the previous run in the history of runs.

        This is skipped if there are no rows, as no warning would depend on it.
        """
        self._taken = any(ledger.rows for ledger in ledgers)
        if not self._taken or not self._inputs:
            return
        try:
            history = self._pipeline.history
            records = history.newest() if history is not None else ()
            self._before = next(
                (
                    run.inputs
                    for run in records
                    if run.inputs and run.status != "failed"
                ),
                [],
            )
        except ReportingError as error:
            _log.warning(
                "whether the source is that of the run before is not known: %s", error
            )

    def add_to(
        self, result: RunResult, plan_stats: PlanStats, deletes: int = 0
    ) -> RunResult:
        """Return the result with all warnings, each of which is logged.

        Args:
            result: The result.
            plan_stats: Statistics of the plan.
            deletes: Number of deleted records that the source returned.
        """
        possible = [
            self._source_changed(plan_stats),
            self._deletes_ignored(deletes),
            *plan_stats.warnings,
            nothing_accepted(result, self._pipeline, first=not self._taken),
        ]
        warnings = [message for message in possible if message]
        for warning in warnings:
            _log.warning("%s", warning)
        return result.model_copy(update={"warnings": warnings})

    def _deletes_ignored(self, deletes: int) -> str | None:
        if not deletes or "upsert" in self._pipeline.modes:
            return None
        return (
            f"report {self._pipeline.report}: {deletes} deletes of the source were not"
            " applied; set write_mode to upsert for a table without deleted rows"
        )

    def _source_changed(self, plan_stats: PlanStats) -> str | None:
        """Return a warning if the previous run read other places.

        Source keys are relative to these places.
        """
        before = self._before or [redacted(uri) for uri in plan_stats.read_before]
        if (
            not self._taken
            or not before
            or not self._inputs
            or set(before) == set(self._inputs)
        ):
            return None
        report = self._pipeline.report
        return (
            f"report {report}: the source is {', '.join(self._inputs)}, and the run"
            f" before on these outputs read {', '.join(before)}: source keys are"
            " relative to the source, so rows may be taken twice or missed; ignore"
            " this if the same keys have moved, otherwise give another checkpoint, or"
            f" run `{self._pipeline.command('state', 'reset')}` first"
        )


def nothing_accepted(
    result: RunResult, pipeline: Pipeline, *, first: bool
) -> str | None:
    """Return a warning if all records of a run were rejected.

    It names the most frequent reason, and the probable format of the input.

    Args:
        result: Result of the run.
        pipeline: The report.
        first: Whether there were no rows before the run, so that the report itself may
            not fit the input.
    """
    if not result.rejected or result.rejected != result.records_read:
        return None
    most = result.rejections[0]
    reason = f"{most.count:,} x {most.type}{f' in {most.field}' if most.field else ''}"
    message = (
        f"report {result.report}: nothing was accepted, all {result.rejected:,} records"
        " were rejected"
    )
    source, sources = pipeline.source.name, pipeline.sources
    if not most.type.startswith(LOOKS_LIKE):
        check = (
            "check that source, validator and names of files fit the input"
            if first
            else f"see them with `{pipeline.command('quarantine', 'list')}`"
        )
        return f"{message} ({reason}); {check}"
    form = most.type.removeprefix(LOOKS_LIKE).replace("_", "-")
    readers = [
        name
        for name, summary in sources.items()
        if re.search(rf"\b{form}\b", summary, re.I) and name != source
    ]
    what = (
        f"use {' or '.join(readers)}"
        if readers
        else "no installed source reads it: convert the files, or install one"
    )
    reads = (
        f", and source {source} reads {sources[source]}" if source in sources else ""
    )
    return f"{message} ({reason}): the input looks like {form}{reads}; {what}"
