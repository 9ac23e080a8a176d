"""Promises of a sink that lists its artifacts and can be reset.

A part of `SinkContract`.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from reporting_framework.errors import CommitConflict
from reporting_framework.plugin_api.base import supports
from reporting_framework.testing.contracts.base import not_promised
from reporting_framework.testing.harness.sink_harness import Place


class BackupContract:
    """Promises of `Sink.stored_artifacts`, `Sink.back_up` and `Sink.remove`."""

    def test_what_is_kept_is_listed(self, place: Place) -> None:
        """Check that outputs are listed with their rows and versions.

        Nothing is listed before the first commit.
        """
        early = [
            artifact
            for artifact in self._inspectable(place).stored_artifacts()
            if artifact.kind == "output"
        ]
        assert not early, (
            f"nothing is listed before the first commit: {len(early)} outputs are"
        )
        place.run(range(6))
        outputs = [
            artifact
            for artifact in self._inspectable(place).stored_artifacts()
            if artifact.kind == "output"
        ]
        rows = sum(output.rows or 0 for output in outputs)
        assert rows == 6, f"what is kept is listed: {rows} rows of 6"
        assert all(output.version for output in outputs), (
            "what is kept is listed with its version"
        )
        place.shows(range(6), "to tell what is kept changes nothing")

    def test_a_reset_copies_first(self, place: Place) -> None:
        """Check that copies change nothing.

        After the originals were removed, nothing is visible, and a run starts empty.
        """
        place.run(range(6))
        sink = self._resettable(place)
        stored = [
            artifact
            for artifact in sink.stored_artifacts()
            if artifact.kind == "output"
        ]
        copies = sink.back_up(stored, "20240101T000000Z")
        assert len(set(copies)) == len(stored), (
            f"there is a copy of each: {len(set(copies))} of {len(stored)}"
        )
        place.shows(range(6), "a backup changes nothing")
        sink.remove(stored)
        place.shows([], "what was removed is gone, and copies are not shown")
        place.run(range(3))
        place.shows(range(3), "after a reset a run starts empty")

    def test_what_changed_since_is_not_removed(self, place: Place) -> None:
        """Check that rows that another run has committed meanwhile are never lost."""
        place.run(range(4))
        sink = self._resettable(place)
        outputs = [
            artifact
            for artifact in sink.stored_artifacts()
            if artifact.kind == "output"
        ]
        place.run(range(4, 8))
        for act in (
            partial(sink.back_up, outputs, "20240101T000000Z"),
            partial(sink.remove, outputs),
        ):
            with pytest.raises(CommitConflict):
                act()
            place.shows(range(8), "what changed since it was looked at is not removed")

    def _inspectable(self, place: Place) -> Any:
        sink = place.opened(with_ledger=False)
        if not supports(sink, "stored_artifacts"):
            not_promised("it does not tell what it keeps")
        return sink

    def _resettable(self, place: Place) -> Any:
        sink = place.opened(with_ledger=False)
        if not supports(sink, "remove"):
            not_promised("it cannot be reset")
        return sink
