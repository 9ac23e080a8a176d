"""Commit of a run: one atomic step per sink, then the quarantine and the hints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any

from reporting_framework.errors import IncompleteRun, StorageUnavailable
from reporting_framework.execution.batch_checks import check_state
from reporting_framework.plugin_api.base import supports
from reporting_framework.plugin_api.records import (
    FILTERED,
    SOURCE_KEY,
    CommitContext,
    CommitResult,
    object_of,
)

if TYPE_CHECKING:
    from reporting_framework.execution.planning import Run
    from reporting_framework.execution.progress import OpenedSinks
    from reporting_framework.execution.totals import RunTotals
    from reporting_framework.metadata.store import MetadataStore
    from reporting_framework.plugin_api.result import QuarantineState


class Committing:
    """Commit of a run: staged rows become visible, then rejections are recorded."""

    def __init__(self, run: Run, opened: OpenedSinks, totals: RunTotals) -> None:
        self._run, self._totals, self._keepers = run, totals, opened.keepers
        self._metadata: MetadataStore | None = opened.metadata if run.writes else None
        self._source_state = opened.state
        self._hints: Mapping[str, Any] = (
            opened.progress.hints if run.replay is not None else {}
        )

    def commit(self, *, snapshot: bool = False) -> list[CommitResult]:
        """Commit each sink, those that keep a ledger last.

        Objects that a crash could leave half committed are marked first. A source that
        starts from its state does not read a rejected record again, so if the run
        commits a state, the rejections are recorded before the state. Quarantine
        entries of records that are now accepted stay until the rows are in the table.

        Args:
            snapshot: Whether the splits cover all records of the source.

        Raises:
            CommitConflict: A reset has begun meanwhile.
            IncompleteRun: The write mode is ``replace``, and not all records were read.
            StorageUnavailable: A sink could not keep some rows, and no trigger would
                deliver them again.
        """
        run, totals = self._run, self._totals
        self._check_complete()
        divisible = totals.multi_record_objects | (
            totals.replayed if run.replay is not None else set()
        )
        if self._metadata is not None and divisible:
            self._metadata.quarantine.mark_in_progress(sorted(divisible))
        contexts = self._contexts(snapshot=snapshot)
        if any(context.state for context in contexts) and totals.rejections:
            self._record_rejections(frozenset())
        commit_results: dict[int, CommitResult] = {}
        for index in sorted(range(totals.sinks), key=self._keepers.__getitem__):
            sink = run.pipeline.sinks[index]
            staged_parts, context = totals.staged_parts(index), contexts[index]
            writes = bool(staged_parts or context.state or context.snapshot)
            if writes and supports(sink, "remove") and self._metadata is not None:
                self._metadata.refuse_reset()
            if run.pipeline.modes[index] == "replace" and self.keeps_table():
                commit_results[index] = CommitResult()
                continue
            commit_results[index] = result = sink.commit(staged_parts, context)
            if result.failed and (any(self._keepers) or not run.pipeline.pushed):
                raise StorageUnavailable(
                    f"report {run.pipeline.report}: sink {sink.name} could not keep"
                    f" {len(result.failed)} rows: {result.failed[0].reason}; run again"
                )
        return [commit_results[index] for index in range(totals.sinks)]

    def keeps_table(self) -> bool:
        """Return whether ``replace`` must keep the present table.

        This is true in a dry run, and if all records were rejected.
        """
        totals = self._totals
        rejected = any(each.error_type != FILTERED for each in totals.rejections)
        return not self._run.writes or (rejected and not totals.staged)

    def _check_complete(self) -> None:
        """Raise `IncompleteRun` if rows would be lost by replacing the table."""
        run, totals = self._run, self._totals
        if "replace" not in run.pipeline.modes or not run.writes:
            return
        if run.replay is not None or not totals.complete or totals.unread:
            raise IncompleteRun(
                f"report {run.pipeline.report}: write_mode is replace, and not all that"
                " the source has was read; nothing was changed: run again, with more"
                " time"
            )

    def _contexts(self, *, snapshot: bool) -> list[CommitContext]:
        """Return the context of the commit to each sink."""
        run, totals = self._run, self._totals
        states: Sequence[Mapping[str, Any] | None] = [None] * totals.sinks
        if run.writes and run.replay is None and self._source_state.kept:
            source = run.pipeline.source
            if (state := source.next_state(totals.done)) is not None:
                subject = f"report {run.pipeline.report}: source {source.name}"
                check_state(state, subject)
            states = self._source_state.following(state)
        context = self.context(snapshot=snapshot)
        return [context._replace(state=state) for state in states]

    def context(self, *, snapshot: bool) -> CommitContext:
        """Return the context of the commit, without the source state.

        Args:
            snapshot: Whether the splits cover all records of the source.
        """
        run, totals = self._run, self._totals
        return CommitContext(
            at=run.at,
            snapshot=snapshot
            and run.writes
            and run.replay is None
            and totals.complete
            and not totals.unread,
            not_staged=[
                rejection.source_key
                for rejection in totals.rejections
                if rejection.error_type != FILTERED
            ],
        )

    def record(self, commit_results: Sequence[CommitResult]) -> QuarantineState | None:
        """Record rejections and the source's hints.

        Quarantine entries of objects that were not read again stay unchanged.
        """
        if self._metadata is None:
            return None
        hints = (
            self._hints
            if self._run.replay is not None
            else self._new_hints(commit_results)
        )
        reread = self._totals.replayed | self._totals.multi_record_objects
        if "replace" in self._run.pipeline.modes:  # which has read everything
            keys = self._metadata.quarantine.entries()[SOURCE_KEY]
            reread = reread | set(map(object_of, keys))
        state = self._record_rejections(reread)
        overtaken = any(result.overtaken for result in commit_results)
        if hints or self._run.replay is None:
            self._metadata.save_hints({} if overtaken else hints)
        return state

    def _record_rejections(self, reread: Set[str]) -> QuarantineState | None:
        """Record rejections; they replace the entries of objects that were reread."""
        if self._metadata is None:
            return None
        return self._metadata.quarantine.replace_entries(
            reread,
            self._totals.final_rejections(),
            run_id=self._run.id,
            at=self._run.at,
            newest_read=self._totals.newest_read,
        )

    def _new_hints(self, commit_results: Sequence[CommitResult]) -> Mapping[str, Any]:
        kept = [
            sum(output.rows for output in commit_result.outputs)
            for commit_result, keeps in zip(commit_results, self._keepers, strict=True)
            if keeps or not any(self._keepers)
        ]
        unread = [item.source_key for item in self._totals.unread]
        return self._run.pipeline.source.next_hints(
            complete=self._totals.complete, unread=unread, rows=min(kept)
        )
