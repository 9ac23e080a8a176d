"""Promises of a sink whose I/O fails; a part of `SinkContract`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

import pytest

from reporting_framework.plugin_api.records import (
    CommitResult,
    Split,
)
from reporting_framework.testing.contracts.base import assert_no_value_shown
from reporting_framework.testing.faults.calls import Attempt, Faults, Killed, each_fault
from reporting_framework.testing.harness.sink_harness import (
    Clear,
    Files,
    Place,
)


class CommitFaultsContract:
    """Promises of `Sink.stage` and `Sink.commit` when any call fails."""

    atomic: ClassVar[bool]
    idempotent: ClassVar[bool]
    _faults: Any

    @pytest.mark.faults
    @pytest.mark.parametrize("first", [True, False], ids=["first run", "later run"])
    def test_a_fault_in_the_commit_leaves_all_or_nothing(
        self,
        place: Place,
        faults: Faults | None,
        files: Files | None,
        clear: Clear | None,
        first: bool,
    ) -> None:
        """Check that after a fault all rows are visible, or none.

        Any call may fail, and the process may be killed at any call; the next run
        succeeds.
        """
        kept = [*range(0 if first else 3)]
        place.run(kept)
        due = self._undisturbed(place, kept, files, clear)
        for attempt in each_fault(self._faults(faults)):
            if clear:
                clear()
                kept = [*range(0 if first else 3)]
                place.run(kept)
            new = [*range(len(kept), len(kept) + 4)]
            sink, staged_parts = place.staged(new)
            commit_result = attempt.run(partial(sink.commit, staged_parts))
            if not isinstance(attempt.error, Killed):
                sink.close()
                assert_no_value_shown({f"the error of {attempt}": attempt.error})
            if not self.idempotent:
                continue  # a request that was sent again may have been counted again
            self._left_whole(place, kept, new, attempt, commit_result)
            place.persistent(new)
            kept += new
            place.shows(kept, f"the run after a fault makes it good: {attempt}")
            assert due is None or files is None or dict(files()) == due, (
                f"the run after a fault leaves the same bytes as one without: {attempt}"
            )

    def _undisturbed(
        self,
        place: Place,
        kept: Sequence[int],
        files: Files | None,
        clear: Clear | None,
    ) -> Mapping[str, bytes] | None:
        """Return the outputs of the same runs without faults, `None` if not known."""
        if files is None or clear is None:
            return None
        place.run(range(len(kept), len(kept) + 4))
        return dict(files())

    def _left_whole(
        self,
        place: Place,
        kept: Sequence[int],
        new: Sequence[int],
        attempt: Attempt,
        commit_result: CommitResult | None,
    ) -> None:
        """Check that all or nothing is visible, and the commit result is right."""
        if self.atomic:
            whole = place.is_shown([*kept, *new]) or place.is_shown(kept)
            assert whole, f"commit is atomic: {attempt} left a part of the rows visible"
        if (
            attempt.error is None
            and commit_result is not None
            and not commit_result.failed
        ):
            place.shows(
                [*kept, *new], f"what commit says it has kept is there: {attempt}"
            )

    @pytest.mark.faults
    def test_a_fault_while_staging_leaves_nothing(
        self, place: Place, faults: Faults | None
    ) -> None:
        """Check that nothing is visible after a fault before the commit.

        Any call may fail; the next run succeeds.
        """
        kept: list[int] = []
        for attempt in each_fault(self._faults(faults)):
            new = [*range(len(kept), len(kept) + 2)]
            sink = place.opened()
            attempt.run(partial(sink.stage, place.rows(new), Split("s", {}), 0))
            if not isinstance(attempt.error, Killed):
                sink.close()
                assert_no_value_shown({f"the error of {attempt}": attempt.error})
            place.shows(kept, f"nothing is visible before the commit: {attempt}")
            place.run(new)
            kept += new
            place.shows(kept, f"the run after a fault makes it good: {attempt}")
