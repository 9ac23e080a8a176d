"""Promises of a sink that can be compacted; a part of `SinkContract`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from reporting_framework.errors import CommitConflict
from reporting_framework.plugin_api.base import supports
from reporting_framework.testing.contracts.base import not_promised
from reporting_framework.testing.faults.calls import Faults, each_fault
from reporting_framework.testing.harness.sink_harness import Files, Place

RUNS = 3


class CompactionContract:
    """Promises of `Sink.compact`."""

    _faults: Any

    def test_compaction_changes_no_row(self, place: Place, files: Files | None) -> None:
        """Check the rows, the ledger, and a second compaction."""
        sink = self._compactable(place)
        sink.compact()
        place.shows([], "compaction of nothing makes nothing")
        self._runs(place)
        result = place.opened().compact()
        assert result.after <= result.before, "compaction makes no more files"
        place.shows(range(2 * RUNS), "compaction changes no row")
        before: Mapping[str, bytes] = files() if files else {}
        again = place.opened().compact()
        assert again.before == again.after == result.after, (
            "a second compaction changes nothing: files differ in number"
        )
        assert (files() if files else {}) == before, (
            "a second compaction changes nothing: bytes differ"
        )
        place.run(range(2 * RUNS + 1))
        place.shows(range(2 * RUNS + 1), "a run after a compaction knows its rows")

    def test_a_run_that_began_before_a_compaction_loses_nothing(
        self, place: Place
    ) -> None:
        """Check a commit of rows that were staged before."""
        self._compactable(place)
        self._runs(place)
        sink, staged_parts = place.staged(range(2 * RUNS + 2))
        place.opened().compact()
        try:
            sink.commit(staged_parts)
        except CommitConflict:
            place.persistent(range(2 * RUNS + 2))
        finally:
            sink.close()
        place.shows(range(2 * RUNS + 2), "a run during a compaction loses nothing")

    @pytest.mark.faults
    def test_a_fault_in_a_compaction_changes_no_row(
        self, place: Place, faults: Faults | None
    ) -> None:
        """Check any failing call, and the compaction after it."""
        self._compactable(place)
        self._runs(place)
        rows = 2 * RUNS
        for attempt in each_fault(self._faults(faults)):
            place.run([rows])
            rows += 1
            sink = place.opened()
            attempt.run(sink.compact)
            place.shows(range(rows), f"compaction changes no row: {attempt}")
            place.opened().compact()
            place.shows(range(rows), f"compaction after a fault: {attempt}")

    def _compactable(self, place: Place) -> Any:
        sink = place.opened()
        if not supports(sink, "compact"):
            not_promised("it cannot be compacted")
        return sink

    def _runs(self, place: Place) -> None:
        for number in range(RUNS):
            place.run([2 * number, 2 * number + 1])
