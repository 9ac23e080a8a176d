"""The commit of a run: one atomic step per sink, and what is kept beside the rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from reporting_framework.errors import StorageUnavailable

if TYPE_CHECKING:
    from reporting_framework.execution.planning import Run
    from reporting_framework.execution.progress import OpenedSinks
    from reporting_framework.execution.totals import RunTotals
    from reporting_framework.plugin_api.metadata import Quarantine
    from reporting_framework.plugin_api.records import CommitResult
    from reporting_framework.plugin_api.result import QuarantineState


class Committing:
    """Makes what a run has staged visible, and then records what was not kept."""

    def __init__(self, run: Run, opened: OpenedSinks, totals: RunTotals) -> None:
        self._run, self._totals, self._keepers = run, totals, opened.keepers
        self._quarantine: Quarantine | None = opened.quarantine if run.writes else None
        self._bookmark: Mapping[str, Any] = (
            opened.progress.bookmark if run.replay is not None else {}
        )

    def commit(self) -> list[CommitResult]:
        """Commit each sink, those that keep a ledger last.

        Objects that a crash could leave half committed are marked first.

        Raises:
            StorageUnavailable: A sink could not keep some rows, and nobody would
                deliver them again.
        """
        run, totals = self._run, self._totals
        divisible = totals.multi_record_objects | (
            totals.replayed if run.replay is not None else set()
        )
        if self._quarantine and divisible:
            self._quarantine.mark_in_progress(sorted(divisible))
        commit_results: dict[int, CommitResult] = {}
        staged_parts = totals.staged_parts or [[]] * totals.sinks
        for index in sorted(range(totals.sinks), key=self._keepers.__getitem__):
            sink = run.pipeline.sinks[index]
            commit_results[index] = result = sink.commit(staged_parts[index])
            if result.failed and (any(self._keepers) or not run.pipeline.pushed):
                raise StorageUnavailable(
                    f"report {run.pipeline.report}: sink {sink.name} could not keep"
                    f" {len(result.failed)} rows: {result.failed[0].reason}; run again"
                )
        return [commit_results[index] for index in range(totals.sinks)]

    def record(self, commit_results: Sequence[CommitResult]) -> QuarantineState | None:
        """Record what was not kept, and the source's bookmark.

        What was not read again stays as it was.
        """
        if self._quarantine is None:
            return None
        run, totals = self._run, self._totals
        bookmark = (
            self._bookmark
            if run.replay is not None
            else self._new_bookmark(commit_results)
        )
        state = self._quarantine.replace_entries(
            totals.replayed | totals.multi_record_objects,
            totals.rejections,
            run_id=run.id,
            at=run.at,
        )
        if bookmark or run.replay is None:
            self._quarantine.save_hints(bookmark)
        return state

    def _new_bookmark(
        self, commit_results: Sequence[CommitResult]
    ) -> Mapping[str, Any]:
        kept = [
            sum(output.rows for output in commit_result.outputs)
            for commit_result, keeps in zip(commit_results, self._keepers, strict=True)
            if keeps or not any(self._keepers)
        ]
        unread = [item.source_key for item in self._totals.unread]
        return self._run.pipeline.source.bookmark(
            complete=self._totals.exhausted, unread=unread, rows=min(kept)
        )
