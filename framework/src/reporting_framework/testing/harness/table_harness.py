"""Runs of a source that has a state, with a table that keeps the rows that they read.

They do the work of the runner and an upserting sink, and stop where a test says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from typing import Any, NamedTuple

from reporting_framework.plugin_api.records import (
    SOURCE_KEY,
    VERSION,
    Batch,
    FinishedSplit,
)
from reporting_framework.plugin_api.source import PlanStats
from reporting_framework.testing.harness.ledger import KnownObjects
from reporting_framework.testing.harness.source_harness import (
    sent,
    set_aside,
    through_json,
)


class Row(NamedTuple):
    """A row of the table.

    Attributes:
        version: Its version.
        values: Its values, or the payload; `None` if it was deleted.
    """

    version: str | None
    values: Any


class ReadResult(NamedTuple):
    """Result of a run.

    Attributes:
        read: Source key and version of each row read, in order.
        rejected: Source keys of rejected and unread records.
        splits: Number of splits read.
        batches: Number of batches read.
        complete: Whether the source had no more splits.
        stats: The source's statistics of its plan.
    """

    read: Sequence[tuple[str, str | None]]
    rejected: Sequence[str]
    splits: int
    batches: int
    complete: bool
    stats: PlanStats


class TableRuns:
    """Runs of one source, one after another.

    Args:
        make: Function that returns the source; each split is read by a new one.

    Attributes:
        rows: Rows by source key; deleted ones are kept.
        state: The committed source state.
    """

    def __init__(self, make: Callable[..., Any]) -> None:
        self._make = make
        self.rows: dict[str, Row] = {}
        self.state: Mapping[str, Any] | None = None

    @property
    def live(self) -> dict[str, Any]:
        """Values of the rows that are not deleted."""
        return {
            key: row.values for key, row in self.rows.items() if row.values is not None
        }

    def run(
        self,
        *,
        splits: int | None = None,
        crash_after: int | None = None,
        during: Callable[[], object] = lambda: None,
        **changed: Any,
    ) -> ReadResult:
        """Execute a run and commit what it has read.

        Args:
            splits: Number of splits that the run has time for; `None`: all.
            crash_after: Number of batches after which it is killed, so that nothing is
                committed.
            during: Called after each batch.
            **changed: Settings for this run.
        """
        source = self._make(**changed)
        batches: list[Batch] = []
        done: list[FinishedSplit] = []
        complete = True
        try:
            for split in source.plan(KnownObjects(state=self.state)):
                whole, position = True, None
                with closing(self._make(**changed)) as reader:
                    for batch in reader.read(sent(split)):
                        batches.append(batch)
                        whole = whole and not batch.unread
                        position = (whole and through_json(batch.position)) or position
                        during()
                        if len(batches) == crash_after:
                            stats = source.plan_stats()
                            return self._outcome(batches, done, False, stats)
                if whole or position:
                    done.append(FinishedSplit(split, position, whole))
                if len(done) == splits:
                    complete = False
                    break
            stats = source.plan_stats()
            complete = complete or stats.exhausted
            outcome = self._outcome(batches, done, complete, stats)
            state = source.next_state(done[::-1])
        finally:
            source.close()
        self._commit(batches, outcome)
        self.state = self.state if state is None else through_json(state)
        return outcome

    def _outcome(
        self,
        batches: Sequence[Batch],
        done: Sequence[FinishedSplit],
        complete: bool,
        stats: PlanStats,
    ) -> ReadResult:
        read = [
            item
            for batch in batches
            for item in zip(batch.source_keys, batch.versions, strict=True)
        ]
        aside = [key for batch in batches for key in set_aside(batch)]
        return ReadResult(read, aside, len(done), len(batches), complete, stats)

    def _commit(self, batches: Sequence[Batch], outcome: ReadResult) -> None:
        """Apply the rules of upsert; see `Sink.commit`."""
        staged: dict[str, Row] = {}
        for batch in batches:
            records: Sequence[Any] = (
                batch.payloads or () if batch.frame is None else batch.frame.to_dicts()
            )
            for key, version, values in zip(
                batch.source_keys, batch.versions, records, strict=True
            ):
                _keep_newer(staged, key, Row(version, values))
            if batch.deletes is not None:
                for key, version in batch.deletes[[SOURCE_KEY, VERSION]].rows():
                    _keep_newer(staged, key, Row(version, None))
        for key, row in staged.items():
            _keep_newer(self.rows, key, row)
        unread = any(batch.unread for batch in batches)
        if outcome.stats.snapshot and outcome.complete and not unread:
            for key in self.rows.keys() - staged.keys() - set(outcome.rejected):
                self.rows[key] = Row(self.rows[key].version, None)


def _keep_newer(rows: dict[str, Row], key: str, row: Row) -> None:
    known = rows.get(key)
    if known is None or (row.version or "") >= (known.version or ""):
        rows[key] = row
