"""Promises of a sink that returns the versions of its outputs.

A part of `SinkContract`.
"""

from __future__ import annotations

from typing import Any

from reporting_framework.errors import CommitConflict
from reporting_framework.plugin_api.base import supports
from reporting_framework.testing.contracts.base import not_promised
from reporting_framework.testing.harness.sink_harness import Place


class OutputVersionsContract:
    """Promises of `Sink.output_versions` and `CommitResult.overtaken`."""

    def test_a_version_changes_with_its_output(self, place: Place) -> None:
        """Check that nothing else changes it; a commit sets the committed version."""
        empty = self._versions(place)
        place.run(range(4))
        first = self._versions(place)
        assert first != empty, "a version changes with its output"
        assert self._versions(place) == first, "a version changes with nothing else"
        sink, parts = place.staged(range(4, 8))
        sink.commit(parts)
        committed = dict(sink.output_versions())
        sink.close()
        assert committed != first, "a version changes with its output"
        assert committed == self._versions(place), (
            "after a commit the version is the one committed"
        )

    def test_a_commit_says_that_another_run_was_faster(self, place: Place) -> None:
        """Check `overtaken`: the hints of this run miss records of the other run."""
        self._versions(place)
        place.run(range(2))
        assert not place.run(range(2, 4)).overtaken, (
            "a commit that no other run was faster than is not overtaken"
        )
        sink, parts = place.staged(range(4, 8))
        place.run(range(8, 10))
        try:
            result = sink.commit(parts)
        except CommitConflict:
            not_promised("it refuses to commit over another run")
        finally:
            sink.close()
        assert result.overtaken, "a commit says that another run was faster"

    def _versions(self, place: Place) -> dict[str, Any]:
        sink = place.opened(with_ledger=False)
        if not supports(sink, "output_versions"):
            not_promised("it tells no versions of its outputs")
        return dict(sink.output_versions())
