"""Result of a backfill: the sum of its runs."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field

from reporting_framework.execution.run_traffic import sum_of_traffic
from reporting_framework.operations.backfill_estimate import Estimate
from reporting_framework.plugin_api.result import Output, Traffic

if TYPE_CHECKING:
    from reporting_framework.operations.backfill import Chunk
    from reporting_framework.plugin_api.result import RunResult


def _is_none(value: object) -> bool:
    return value is None


_COUNTS = ("records_read", "accepted", "rejected", "filtered", "duplicates")
_MORE = ("inserted", "updated", "unchanged", "deleted")


class BackfillResult(BaseModel):
    """Result of a backfill; the counts are sums over its runs.

    Attributes:
        report: Name of the report.
        first: First day of the period.
        last: Last day of the period.
        dry_run: Whether only the estimate was made.
        complete: Whether all chunks were read to their end; false for a dry run.
        estimate: The estimate.
        chunks_done: Number of chunks that were committed.
        continue_from: Day from which to go on if chunks are left and the same command
            would read finished chunks again, as with ``upsert``; `None` otherwise.
        records_read: As in `RunResult`; so are the next four.
        inserted: With ``upsert``, as in `RunResult`; so are the next three.
        objects_unread: Number of objects that could not be read.
        traffic: Requests and bytes that its runs have counted, as in `RunResult`; those
            of the estimate are not included.
        seconds: Total duration of the runs.
        outputs: Outputs at the end of the last run.
        run_ids: Ids of the runs, in their order.
    """

    report: str
    first: date
    last: date
    dry_run: bool
    complete: bool = False
    estimate: Estimate
    chunks_done: int = 0
    continue_from: date | None = None
    records_read: int = 0
    accepted: int = 0
    rejected: int = 0
    filtered: int = 0
    duplicates: int = 0
    inserted: int | None = None
    updated: int | None = None
    unchanged: int | None = None
    deleted: int | None = None
    objects_unread: int = 0
    traffic: Traffic | None = Field(default=None, exclude_if=_is_none)
    seconds: float = 0.0
    outputs: list[Output] = []
    run_ids: list[str] = []

    def add(self, result: RunResult, chunk: Chunk, *, again: bool) -> None:
        """Add the result of a run.

        Args:
            result: The result.
            chunk: Objects that the run was to read.
            again: Whether objects are read that the report has.
        """
        for name in (*_COUNTS, "objects_unread"):
            setattr(self, name, getattr(self, name) + getattr(result, name))
        for name in _MORE:
            if (count := getattr(result, name)) is not None:
                setattr(self, name, (getattr(self, name) or 0) + count)
        self.traffic = sum_of_traffic([self.traffic, result.traffic])
        self.seconds = round(self.seconds + result.seconds.total, 6)
        self.outputs = result.outputs
        self.run_ids.append(result.run_id)
        self.chunks_done += result.complete
        self.complete = self.chunks_done == self.estimate.chunks
        repeats = again or self.inserted is not None
        reached = chunk.last if result.complete else chunk.first
        self.continue_from = reached if repeats and not self.complete else None
