"""Promises of a sink's commit; a part of `SinkContract`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import ClassVar

from reporting_framework.errors import CommitConflict
from reporting_framework.plugin_api.records import CommitResult
from reporting_framework.testing.contracts.base import not_promised
from reporting_framework.testing.harness.sink_harness import (
    Clear,
    Files,
    Place,
    adds_up,
)

WRITERS = 4


class CommitContract:
    """Promises of `Sink.commit`."""

    idempotent: ClassVar[bool]

    def test_commit_makes_every_row_visible(self, place: Place) -> None:
        """Check that all rows are visible once, with those of a later run."""
        for numbers, all_of_them in ((range(5), range(5)), (range(5, 9), range(9))):
            commit_result = place.run(numbers)
            place.shows(all_of_them, "commit makes every row visible, once")
            adds_up(commit_result, len(numbers), len(numbers))

    def test_commit_of_nothing_changes_nothing(
        self, place: Place, files: Files | None
    ) -> None:
        """Check a commit without staged parts, as in a run without new rows."""
        place.run([])
        place.shows([], "commit of nothing makes nothing")
        place.run(range(3))
        before = files() if files else {}
        place.run([])
        place.shows(range(3), "commit of nothing changes nothing")
        assert (files() if files else {}) == before, "commit of nothing changes no byte"

    def test_abort_after_the_commit_changes_nothing(
        self, place: Place, files: Files | None
    ) -> None:
        """Check that `close` changes nothing; it may be called twice."""
        sink, staged_parts = place.staged(range(3))
        sink.commit(staged_parts)
        before = files() if files else {}
        sink.close()
        sink.close()
        place.shows(range(3), "abort after the commit changes nothing")
        assert (files() if files else {}) == before, (
            "abort after the commit changes no byte"
        )

    def test_a_repeated_commit_changes_nothing(
        self, place: Place, files: Files | None
    ) -> None:
        """Check that a repeated run changes neither rows nor bytes.

        It may be repeated as a whole or in part, in any splits.
        """
        self._idempotent()
        place.run(range(6))
        before = files() if files else {}
        commit_result = place.run(range(6))
        place.shows(range(6), "a repeated commit changes nothing: rows differ")
        assert (files() if files else {}) == before, (
            "a repeated commit changes nothing: bytes differ"
        )
        adds_up(commit_result, 6, 0)
        commit_result = place.run(range(3, 8), parts=5)
        place.shows(range(8), "rows that come again among others are there once")
        adds_up(commit_result, 5, 2)

    def test_the_order_of_fragments_changes_nothing(
        self, place: Place, files: Files | None, clear: Clear | None
    ) -> None:
        """Check that splits may end in any order."""
        sink, staged_parts = place.staged(range(9), parts=3)
        sink.commit(list(reversed(staged_parts)))
        sink.close()
        place.shows(range(9), "the order of staged parts changes nothing: rows differ")
        if files and clear:
            backwards = dict(files())
            clear()
            place.run(range(9), parts=3)
            assert dict(files()) == backwards, (
                "the order of staged parts changes nothing: bytes differ"
            )

    def test_commits_at_once_lose_and_double_nothing(self, place: Place) -> None:
        """Check concurrent commits of runs that have some rows in common."""
        self._idempotent()
        shares = [range(2 * number, 2 * number + 5) for number in range(WRITERS)]
        staged = [place.staged(share) for share in shares]
        barrier = Barrier(WRITERS)

        def commit(number: int) -> CommitResult:
            sink, staged_parts = staged[number]
            barrier.wait(timeout=30)
            try:
                commit_result: CommitResult = sink.commit(staged_parts)
            except CommitConflict:
                commit_result = place.persistent(shares[number])
            finally:
                sink.close()
            return (
                commit_result
                if not commit_result.failed
                else place.persistent(shares[number])
            )

        with ThreadPoolExecutor(WRITERS) as pool:
            commit_results = list(pool.map(commit, range(WRITERS)))
        union = {number for share in shares for number in share}
        place.shows(sorted(union), "commits at once lose nothing and double nothing")
        duplicates, staged_rows = (
            [commit_result.duplicates for commit_result in commit_results],
            sum(map(len, shares)),
        )
        added = staged_rows - sum(count or 0 for count in duplicates)
        assert None in duplicates or added == len(union), (
            f"commit results of commits at once add up: {duplicates} duplicates of"
            f" {staged_rows} rows"
        )

    def _idempotent(self) -> None:
        if not self.idempotent:
            not_promised("rows that come again are taken again, as it says")
