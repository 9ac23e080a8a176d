"""Promises of the write mode ``replace``."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from reporting_framework.plugin_api.records import CommitResult
from reporting_framework.testing.contracts.versioned_sink import VersionedSinkContract
from reporting_framework.testing.faults.calls import Faults, each_fault
from reporting_framework.testing.harness.versioned_table import (
    AT,
    Parts,
    VersionedTable,
    persistent,
)
from reporting_framework.testing.harness.versions import Change


class ReplaceContract(VersionedSinkContract):
    """Promises of ``replace``; a part of `WriteModesContract`."""

    # -- replace -----------------------------------------------------------------------

    def test_replace_makes_the_rows_the_table(self, replaced: VersionedTable) -> None:
        """Check for the newest version of each source key, without deleted rows."""
        _replace(replaced, [[Change(0), Change(1)]], {0: 0, 1: 0})
        parts = [
            [Change(1, "1", 1), Change(2, "2", 2), Change(3, "1")],
            [Change(2, "1"), Change(1, "1", 2), Change(3, "2", deleted=AT)],
        ]
        result = _replace(replaced, parts, {1: 2, 2: 2})
        rows = sum(output.rows for output in result.outputs)
        assert rows == 2, f"an output says its rows: {rows} where 2 are"
        _replace(replaced, [], {})

    @pytest.mark.faults
    def test_a_fault_in_a_replacement_leaves_all_or_nothing(
        self, replaced: VersionedTable, faults: Faults | None
    ) -> None:
        """Check for the old or the new table, whichever call fails."""
        self._faults(faults)
        _replace(replaced, [[Change(0), Change(1)]], {0: 0, 1: 0})
        due = {0: 0, 1: 0}
        for number, attempt in enumerate(each_fault(self._faults(faults)), start=1):
            new = {0: number % 3, number % 4 + 1: 0}
            parts = [[Change(at, "1", edition)] for at, edition in new.items()]
            attempt.run(replaced.staged(parts, "replace"))
            if self.atomic:
                whole = _is_replaced(replaced, due) or _is_replaced(replaced, new)
                assert whole, f"a replacement is atomic: {attempt} left a part of it"
            persistent(replaced.staged(parts, "replace"))
            assert _is_replaced(replaced, new), (
                f"the run after a fault makes it good: {attempt}"
            )
            due = new


def _replace(
    table: VersionedTable, parts: Parts, due: Mapping[int, int]
) -> CommitResult:
    """Execute a run; fail unless the table is these editions of these records."""
    result = table.staged(parts, "replace")()
    assert _is_replaced(table, due), (
        "replace makes the rows the table, and nothing else"
    )
    staged = sum(change.deleted is None for part in parts for change in part)
    assert result.duplicates in (None, staged - len(due)), (
        f"staged rows are in the table or duplicates: {result.duplicates} duplicates of"
        f" {staged} rows"
    )
    return result


def _is_replaced(table: VersionedTable, due: Mapping[int, int]) -> bool:
    seen, frames = table.visible(), table.frames
    rows = [Change(number, None, edition) for number, edition in due.items()]
    wanted = frames.of(rows, versions=False) if rows else frames.schema().to_frame()
    if not seen.height:
        return not rows
    names = [name for name in wanted.columns if name in seen.columns]
    return sorted(map(repr, seen.select(names).rows())) == sorted(
        map(repr, wanted.select(names).rows())
    )
