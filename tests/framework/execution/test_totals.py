"""Sum of split results: what a run keeps of each split."""

import pytest

from reporting_framework import ReadFailure, Rejection, Split, SplitResult, StagedPart
from reporting_framework.execution.totals import RunTotals


@pytest.mark.parametrize("keeps_splits", [False, True])
def test_splits_are_kept_only_for_a_state(keeps_splits):
    """A split of objects names hundreds of them, so memory would grow with a first run."""
    totals = RunTotals(1, keeps_splits=keeps_splits)
    totals.add(SplitResult(Split("s", {}), ["a"], 1, staged_parts=[[]]))
    assert len(totals.done) == keeps_splits


def test_what_was_read_of_what_was_awaited_is_noted():
    totals = RunTotals(1)
    totals.expected_replays = {"a", "b#1", "c", "d"}
    totals.add(
        SplitResult(
            Split("1", {}),
            ["a#1", "b#1#1", "e"],
            unread=[ReadFailure("c", "denied")],
            staged_parts=[[]],
        )
    )
    assert totals.replayed == {"a", "b#1"}
    assert totals.multi_record_objects == {"a", "b#1"}


def test_staged_parts_are_committed_in_the_order_of_the_plan():
    totals = RunTotals(sinks=1)
    for position in (2, 0, 1):
        parts = [[StagedPart(1, (position, part)) for part in range(2)]]
        totals.add(SplitResult(Split(str(position), {}), staged_parts=parts), position)
    assert [part.data for part in totals.staged_parts(0)] == [
        (position, part) for position in range(3) for part in range(2)
    ]


@pytest.mark.parametrize("at_once", [True, False])
def test_a_rejection_ends_with_a_newer_version_of_its_record(at_once):
    """The last version of b is rejected; a and x#1#1 have been corrected."""
    read = [("a", "1"), ("b", "1"), ("x#1#1", "1"), ("x#2#1", "1"), ("a", "2")]
    read += [("b", "2"), ("x#1#1", "2")]
    wrong = {("a", "1"), ("x#1#1", "1"), ("x#2#1", "1"), ("b", "2")}
    totals = RunTotals(1, versions_ordered=True)
    for records in [read] if at_once else [[record] for record in read]:
        totals.add(
            SplitResult(
                Split("s", {}),
                [key for key, _ in records],
                rejections=[
                    Rejection(*record, "missing")
                    for record in records
                    if record in wrong
                ],
                staged_parts=[[]],
                versions=[version for _, version in records],
            )
        )
    final = [rejection[:2] for rejection in totals.final_rejections()]
    assert final == [("x#2#1", "1"), ("b", "2")]
    assert len(totals.rejections) == 4  # each was read and counts
