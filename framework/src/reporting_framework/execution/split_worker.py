"""The work on one split: read, validate, transform, stage. It runs wherever the engine puts it."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from reporting_framework.errors import InvariantBroken, TransientError
from reporting_framework.execution.pipeline import closing_iterator
from reporting_framework.execution.plugin_errors import step
from reporting_framework.plugin_api.records import (
    FILTERED,
    ORIGIN_COLUMN,
    Batch,
    Outcome,
    Rejection,
    Split,
    Unread,
    around,
    with_natural_keys,
)

if TYPE_CHECKING:
    import polars as pl

    from reporting_framework.execution.pipeline import Pipeline


_log = logging.getLogger(__name__)


class _Left(Exception):
    """A step could not take records for a reason that passes, and the trigger delivers them again."""

    def __init__(self, step: str) -> None:
        super().__init__(step)
        self.step = step


@dataclass(frozen=True)
class Process:
    """Turns a split into an outcome.

    Attributes:
        pipeline: The report.
        limit: Read at most this many records and stage nothing (a dry run), or None.
    """

    pipeline: Pipeline
    limit: int | None = None

    def __call__(self, split: Split) -> Outcome:
        """Read, validate, transform and stage one split."""
        pipeline, outcome = self.pipeline, Outcome(split, fragments=[[] for _ in self.pipeline.sinks])
        with self._stage(outcome, "read", "source", pipeline.source.name):
            read = iter(pipeline.source.read(split))
        with closing_iterator(pipeline.report, "source", pipeline.source.name, read) as batches:
            for part in count():
                with self._stage(outcome, "read", "source", pipeline.source.name):
                    batch = next(batches, None)
                left = None if self.limit is None else self.limit - len(outcome.origins)
                if batch is not None and getattr(pipeline.source, "natural_keys", False):
                    batch = with_natural_keys(batch)
                if batch is None or (left is not None and left <= 0):
                    return outcome
                self._take(batch if left is None else _cut(batch, left), part, outcome)
        raise AssertionError  # pragma: no cover - `count` does not end

    def _take(self, batch: Batch, part: int, outcome: Outcome) -> None:
        outcome.unread.extend(batch.unread)
        outcome.ignored.extend(batch.ignored)
        outcome.origins.extend(batch.origins)
        outcome.origins.extend(rejection.origin for rejection in batch.rejected)
        outcome.versions.extend(batch.versions)
        outcome.versions.extend(rejection.version for rejection in batch.rejected)
        outcome.rejections.extend(batch.rejected)
        if not batch.origins:
            return
        rejected, staged = len(outcome.rejections), [len(fragments) for fragments in outcome.fragments]
        try:
            self._keep(batch, part, outcome)
        except _Left as left:
            _log.warning("records to be delivered again: %s", left.__cause__)
            known = {rejection.origin for rejection in outcome.rejections[rejected:]}
            origins = [origin for origin in batch.origins if origin not in known]
            outcome.unread += [Unread(origin, f"{left.step}: unavailable") for origin in origins]
            missing = set(origins)
            kept = [pair for pair in zip(outcome.origins, outcome.versions, strict=True) if pair[0] not in missing]
            outcome.origins[:], outcome.versions[:] = [each[0] for each in kept], [each[1] for each in kept]
            for fragments, number in zip(outcome.fragments, staged, strict=True):
                del fragments[number:]

    def _keep(self, batch: Batch, part: int, outcome: Outcome) -> None:
        """Validate, transform and stage the records of a batch.

        Raises:
            _Left: They must be delivered again.
        """
        frame = self._transformed(self._validated(batch, outcome), batch, outcome)
        if self.limit is None and frame.height:
            for sink, fragments in zip(self.pipeline.sinks, outcome.fragments, strict=True):
                with self._stage(outcome, "commit", "sink", sink.name):
                    fragments.append(sink.stage(frame, outcome.split, part))
        outcome.accepted += frame.height

    def _validated(self, batch: Batch, outcome: Outcome) -> pl.DataFrame:
        validator = self.pipeline.validator
        with self._stage(outcome, "validate", "validator", validator.name):
            validated = validator.validate(batch)
        if validated.frame.height + len(validated.rejections) != len(batch.origins):
            raise InvariantBroken(
                f"report {self.pipeline.report}: validator {validator.name} was given {len(batch.origins)} records and "
                f"answered for {validated.frame.height + len(validated.rejections)}"
            )
        outcome.rejections.extend(validated.rejections)
        for name, number in validated.ignored_fields.items():
            outcome.ignored_fields[name] = outcome.ignored_fields.get(name, 0) + number
        return validated.frame

    def _transformed(self, frame: pl.DataFrame, batch: Batch, outcome: Outcome) -> pl.DataFrame:
        for transform in self.pipeline.transforms:
            with self._stage(outcome, "transform", "transform", transform.name):
                shaped = transform.apply(frame)
                dropped = frame[ORIGIN_COLUMN].filter(~frame[ORIGIN_COLUMN].is_in(shaped[ORIGIN_COLUMN].implode()))
            if shaped.height + len(dropped) != frame.height:
                raise InvariantBroken(
                    f"report {self.pipeline.report}: transform {transform.name} made {shaped.height} rows of "
                    f"{frame.height} and dropped {len(dropped)}"
                )
            if len(dropped):
                versions = dict(zip(batch.origins, batch.versions, strict=True))
                outcome.rejections.extend(Rejection(origin, versions[origin], FILTERED) for origin in dropped)
            frame = shaped
        return frame

    @contextmanager
    def _stage(self, outcome: Outcome, stage: str, role: str, name: str) -> Iterator[None]:
        """Takes the time of a stage, and names the step in errors that are not the framework's."""
        at, began = time.time(), time.perf_counter()
        try:
            with step(self.pipeline.report, role, name):
                yield
        except TransientError as error:
            if role == "source" or not self.pipeline.pushed:
                raise
            raise _Left(name) from error
        taken = time.perf_counter() - began
        outcome.seconds[stage] = outcome.seconds.get(stage, 0.0) + taken
        outcome.spans[stage] = around(outcome.spans.get(stage), (at, at + taken))


def _cut(batch: Batch, left: int) -> Batch:
    """The first `left` records of a batch, those among them that the source itself rejected last."""
    return batch._replace(
        rejected=batch.rejected[: max(0, left - len(batch.origins))],
        origins=batch.origins[:left],
        versions=batch.versions[:left],
        payloads=batch.payloads[:left] if batch.payloads is not None else None,
        frame=batch.frame[:left] if batch.frame is not None else None,
    )
