"""Table that runs with versions write to, and the model that it must equal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from reporting_framework.errors import TransientError
from reporting_framework.plugin_api.records import (
    DELETED_AT,
    VERSION,
    CommitContext,
    CommitResult,
    Split,
    UpsertCounts,
)
from reporting_framework.testing.contracts.base import few
from reporting_framework.testing.harness.sink_harness import Make, Visible
from reporting_framework.testing.harness.versions import (
    MOMENT,
    Change,
    Edition,
    Frames,
    TableModel,
)

AT = datetime(2024, 3, 1, tzinfo=UTC)
LATER = AT + timedelta(hours=1)
MAX_ATTEMPTS = 10

Parts = Sequence[Sequence[Change]]


class VersionedTable:
    """VersionedTable that runs write to, and its model."""

    def __init__(self, make: Make, visible: Visible, edition: Edition) -> None:
        self.make, self.frames, self.model = make, Frames(edition), TableModel()
        self.visible = visible
        self._miscounted: list[str] = []

    def opened(self, mode: str = "upsert") -> Any:
        """Return a sink at the beginning of a run, after the calls of the runner."""
        sink = self.make()
        sink.open(self.frames.schema(), mode)
        sink.ledger()
        sink.load_state()
        return sink

    def staged(self, parts: Parts, mode: str = "upsert") -> Callable[..., CommitResult]:
        """Stage parts; return a function that commits them."""
        sink = self.opened(mode)
        staged = [
            sink.stage(
                self.frames.of(part, versions=mode != "append"), Split(f"s{at}", {}), 0
            )
            for at, part in enumerate(parts)
            if part
        ]

        def commit(**context: Any) -> CommitResult:
            try:
                result: CommitResult = sink.commit(
                    staged, CommitContext(**{"at": AT, **context})
                )
            except Exception:  # a killed process closes nothing
                sink.close()
                raise
            sink.close()
            return result

        return commit

    def staged_and_committed(self, parts: Parts, **context: Any) -> None:
        """Execute a whole run."""
        self.staged(parts)(**context)

    def run(
        self, *parts: Sequence[Change], not_staged: Sequence[int] = (), **context: Any
    ) -> None:
        """Execute a whole run, also in the model; `is_right` compares them."""
        keys = [self.frames.key(number) for number in not_staged]
        result = self.staged(parts)(not_staged=keys, **context)
        at = context.get("at", AT) if context.get("snapshot") else None
        due, duplicates = self.expect(parts, snapshot_at=at, not_staged=not_staged)
        if result.upserted not in (None, due):
            self._miscounted.append(
                f"an upsert says what it did: {result.upserted} where {due} is"
            )
        if result.duplicates not in (None, duplicates):
            self._miscounted.append(
                "staged rows are inserted, updated, unchanged or duplicates:"
                f" {result.duplicates} duplicates where {duplicates} are"
            )

    def expect(self, parts: Parts, **more: Any) -> tuple[UpsertCounts, int]:
        """Execute a run in the model alone."""
        return self.model.upsert(parts, **more)

    def differences(self) -> list[str]:
        """Return the differences between the table and the model."""
        seen = self.visible()
        if seen.height and not {VERSION, DELETED_AT} <= set(seen.columns):
            pytest.fail(
                f"the fixture `visible` must give {VERSION} and {DELETED_AT} of a sink"
                " that can upsert",
                pytrace=False,
            )
        for name, dtype in {VERSION: pl.String(), DELETED_AT: MOMENT}.items():
            if name in seen and seen[name].dtype not in (dtype, pl.Null):
                pytest.fail(
                    f"the fixture `visible` must give {name} as {dtype}, not as"
                    f" {seen[name].dtype}",
                    pytrace=False,
                )
        return self.frames.differences(self.model, seen)

    def is_right(self, promise: str) -> None:
        """Fail if the table differs from the model, or an earlier count was wrong."""
        wrong = self.differences()
        assert not wrong, f"{promise}: {few(wrong)}"
        assert not self._miscounted, self._miscounted[0]

    def state(self) -> Any:
        """Return the committed state."""
        sink = self.make()
        sink.open(self.frames.schema(), "upsert")
        state = sink.load_state()
        sink.close()
        return state


def persistent(work: Callable[[], Any]) -> None:
    """Do work, and retry while other runs win."""
    for _ in range(MAX_ATTEMPTS):
        try:
            work()
        except TransientError:
            continue
        return
    raise AssertionError(
        f"a run gets through at last: it did not in {MAX_ATTEMPTS} attempts"
    )
