"""Whole runs of a sink at one location, and the rows visible there.

The module is a part of `SinkContract`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from reporting_framework.errors import CommitConflict
from reporting_framework.plugin_api.records import (
    SOURCE_KEY,
    CommitResult,
    Split,
    StagedPart,
)
from reporting_framework.testing.harness.memory import copied

Make = Callable[..., Any]
Rows = Callable[[Sequence[int]], pl.DataFrame]
Files = Callable[[], Mapping[str, bytes]]
Clear = Callable[[], object]
Visible = Callable[[], pl.DataFrame]
Expected = Callable[[pl.DataFrame], pl.DataFrame]

CONFLICTS = 10
"""Attempts of a run while other runs win the race."""


class Place:
    """A location that sinks write to, and the rows visible there."""

    def __init__(
        self, make: Make, rows: Rows, visible: Visible, expected: Expected
    ) -> None:
        self.make, self.visible, self.expected = make, visible, expected
        self._rows = rows

    def rows(self, numbers: Iterable[int]) -> pl.DataFrame:
        """Return a frame with these rows."""
        return self._rows(list(numbers))

    def opened(self, *, with_ledger: bool = True) -> Any:
        """Return a sink at the beginning of a run, after the runner's first calls."""
        sink = self.make()
        sink.open(self.rows([0]).schema)
        if with_ledger:
            sink.ledger()
        return sink

    def staged(
        self, numbers: Sequence[int], parts: int = 2
    ) -> tuple[Any, list[StagedPart]]:
        """Return a sink with these rows staged, in as many splits as `parts`."""
        sink = self.opened()
        shares = [list(numbers)[part::parts] for part in range(parts)]
        staged_parts = [
            sink.stage(self.rows(share), Split(f"split-{number}", {}), 0)
            for number, share in enumerate(shares)
            if share
        ]
        return sink, staged_parts

    def run(self, numbers: Sequence[int], parts: int = 2) -> CommitResult:
        """Execute a whole run."""
        sink, staged_parts = self.staged(numbers, parts)
        commit_result: CommitResult = sink.commit(staged_parts)
        sink.close()
        return commit_result

    def persistent(self, numbers: Sequence[int]) -> CommitResult:
        """Execute a run; retry while other runs win or a part fails."""
        for _ in range(CONFLICTS):
            try:
                commit_result = self.run(numbers)
            except CommitConflict:
                continue
            if not commit_result.failed:
                return commit_result
        raise AssertionError(
            f"a run gets through at last: it did not in {CONFLICTS} tries"
        )

    def stream(self, part: pl.DataFrame, times: int) -> None:
        """Run the same rows with new source keys each time, and keep none of them."""
        sink = self.opened()
        staged_parts = []
        for number in range(times):
            renamed = copied(part).with_columns(
                pl.format("{}-{}", pl.lit(f"{number:04}"), SOURCE_KEY).alias(SOURCE_KEY)
            )
            staged_parts.append(sink.stage(renamed, Split(f"split-{number}", {}), 0))
        sink.commit(staged_parts)
        sink.close()

    def shows(self, numbers: Sequence[int], promise: str) -> None:
        """Fail unless exactly these rows are visible."""
        seen, due = self._compared(numbers)
        missing, more = (due - seen).total(), (seen - due).total()
        assert seen == due, (
            f"{promise}: of {due.total()} rows {missing} are missing, {more} are too"
            " many"
        )

    def is_shown(self, numbers: Sequence[int]) -> bool:
        """Return whether exactly these rows are visible."""
        seen, due = self._compared(numbers)
        return seen == due

    def _compared(self, numbers: Sequence[int]) -> tuple[Counter[str], Counter[str]]:
        seen, due = (
            self.visible(),
            self.expected(
                self.rows(numbers) if len(numbers) else self.rows([0]).clear()
            ),
        )
        columns = [name for name in due.columns if name in seen.columns]
        if not seen.height:
            columns = due.columns
            seen = due.clear()
        assert columns, (
            f"`visible` gives columns of `rows`: it has {', '.join(seen.columns)}"
        )
        return (  # type: ignore[return-value]  # two of two
            Counter(map(repr, frame.select(columns).rows())) for frame in (seen, due)
        )


def adds_up(commit_result: CommitResult, staged: int, new: int) -> None:
    """Check the numbers of a commit result, if it counts duplicates."""
    if commit_result.duplicates is None:
        return
    failed, added = (
        len(commit_result.failed),
        sum(output.new_rows for output in commit_result.outputs),
    )
    assert added + commit_result.duplicates + failed == staged, (
        f"a commit result adds up: {added} new, {commit_result.duplicates} duplicates"
        f" and {failed} failed of {staged} rows"
    )
    assert added == new, (
        f"a commit result counts the new rows: it has {added} instead of {new}"
    )
