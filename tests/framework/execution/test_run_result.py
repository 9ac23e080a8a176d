"""The sum of a run: what was read is accepted, rejected, filtered or a duplicate, and nothing else."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting_framework import (
    FILTERED,
    CommitResult,
    InvariantBroken,
    PlanStats,
    ReadFailure,
    Rejection,
    Split,
    SplitResult,
    StagedPart,
    UpsertCounts,
)
from reporting_framework.execution.planning import Run
from reporting_framework.execution.run_result import run_result
from reporting_framework.execution.totals import RunTotals
from reporting_framework.plugin_api.result import Output, QuarantineState

AT = datetime(2024, 1, 1, tzinfo=UTC)

REASONS = st.sampled_from(
    [("missing", "study"), ("missing", None), ("int_type", "number"), (FILTERED, None)]
)


def split_result(number=0, *, accepted=0, rejections=(), **more):
    source_keys = [f"{number}-a{each}" for each in range(accepted)] + [
        each.source_key for each in rejections
    ]
    return SplitResult(
        Split(str(number), {}),
        source_keys,
        accepted,
        list(rejections),
        staged_parts=[[]],
        **more,
    )


def result(totals, *commit_results, plan_stats=None, quarantine=None, dry_run=False):
    commit_results = commit_results or (CommitResult(),)
    totals.add_commits(commit_results)
    run = Run(
        SimpleNamespace(report="test"),
        "id",
        datetime.now(UTC),
        0.0,
        None,
        1 if dry_run else None,
        None,
    )
    clock = SimpleNamespace(monotonic=lambda: 1.23456789)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("reporting_framework.execution.run_result.time", clock)
        return run_result(
            run,
            totals,
            commit_results,
            plan_stats or PlanStats(),
            quarantine=quarantine,
        )


def test_an_empty_run():
    totals = RunTotals(1, exhausted=True)
    found = result(totals)
    assert (found.status, found.complete, found.records_read, found.accepted) == (
        "ok",
        True,
        0,
        0,
    )
    assert found.last_processed_timestamp is None


def test_everything_is_told():
    totals = RunTotals(2, exhausted=True)
    rejections = [
        Rejection("x", None, "b"),
        Rejection("y", None, "a", "f"),
        Rejection("z", None, FILTERED),
    ]
    first = split_result(
        1,
        accepted=3,
        rejections=rejections,
        ignored_fields={"b": 1, "a": 2},
        seconds={"read": 0.5},
        spans={"read": (1, 2)},
    )
    first.staged_parts = [[StagedPart(3, "one")], [StagedPart(3, "two")]]
    second = split_result(
        2,
        unread=[ReadFailure("u", "denied")],
        ignored_fields={"b": 1},
        seconds={"read": 0.25, "validate": 1},
    )
    second.spans = {"read": (0.5, 1.5), "validate": (2, 3)}
    second.staged_parts = [[], []]
    totals.add(first)
    totals.add(second)
    early, late = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 2, 1, tzinfo=UTC)
    outputs = [
        Output(uri="one", rows=3, new_rows=2, bytes=1),
        Output(uri="two", rows=9, new_rows=3, bytes=1),
    ]
    found = result(
        totals,
        CommitResult([outputs[0]], 2, late, [("merge", (4, 5)), ("merge", (6, 8))]),
        CommitResult([outputs[1]], 1, early),
        plan_stats=PlanStats(
            4, ("odd",), 5, listing="window", listed_from=early, full_scan_due=late
        ),
        quarantine=QuarantineState(uri="q", rows=3),
        dry_run=True,
    )
    assert found.model_dump(by_alias=True) == {
        "report": "test",
        "run_id": "id",
        "status": "partial",
        "complete": True,
        "listing": "window",
        "listed_from": early,
        "full_scan_due": late,
        "dry_run": True,
        "records_read": 6,
        "accepted": 2,
        "rejected": 2,
        "filtered": 1,
        "duplicates": 1,
        "objects_unread": 1,
        "unread_reasons": {"denied": 1},
        "warnings": [],
        "objects_ignored": 4,
        "ignored_samples": ["odd"],
        "remaining": 0,
        "ignored_fields": {"a": 2, "b": 2},
        "outputs": [output.model_dump() for output in outputs],
        "last_processed_timestamp": late,
        "rejections": [
            {"type": "a", "field": "f", "count": 1},
            {"type": "b", "field": None, "count": 1},
        ],
        "quarantine": {"uri": "q", "rows": 3},
        "seconds": {
            "plan": 0,
            "read": 0.75,
            "validate": 1,
            "transform": 0,
            "merge": 3,
            "commit": 0,
            "total": 1.234568,
        },
    }
    assert found.spans == {"read": (0.5, 2), "validate": (2, 3), "merge": (4, 8)}
    assert [
        [staged_part.data for staged_part in totals.staged_parts(sink)]
        for sink in (0, 1)
    ] == [
        ["one"],
        ["two"],
    ]


def test_a_run_that_was_stopped_is_partial():
    assert (result(RunTotals(1)).status, result(RunTotals(1)).complete) == (
        "partial",
        False,
    )


def test_reasons_are_counted_the_most_frequent_first():
    totals = RunTotals(1, exhausted=True)
    kinds = [("b", "x"), ("a", None), ("b", None), ("b", "x"), (FILTERED, None)]
    totals.add(
        split_result(
            rejections=[
                Rejection(str(at), None, *kind) for at, kind in enumerate(kinds)
            ]
        )
    )
    assert [
        (each.type, each.field, each.count) for each in result(totals).rejections
    ] == [
        ("b", "x", 2),
        ("a", None, 1),
        ("b", None, 1),
    ]


@given(
    st.lists(st.tuples(st.integers(0, 4), st.lists(REASONS, max_size=4)), max_size=5),
    st.integers(0, 3),
)
def test_the_sum_holds(parts, duplicates):
    """Read = accepted + rejected + filtered + duplicates, for any split results, and reasons add up to the rejected."""
    totals = RunTotals(1, exhausted=True)
    for number, (accepted, kinds) in enumerate(parts):
        rejections = [
            Rejection(f"{number}-{at}", None, *kind) for at, kind in enumerate(kinds)
        ]
        totals.add(split_result(number, accepted=accepted, rejections=rejections))
    found = result(totals, CommitResult(duplicates=min(duplicates, totals.staged)))
    assert (
        found.records_read
        == found.accepted + found.rejected + found.filtered + found.duplicates
    )
    assert sum(each.count for each in found.rejections) == found.rejected


def test_a_sum_that_does_not_hold_is_not_hidden():
    totals = RunTotals(1, exhausted=True)
    totals.add(split_result(accepted=2))
    totals.staged = 1
    message = "report test: 2 records were read, 1 accepted, 0 rejected, 0 filtered and 0 were duplicates: that does not"
    with pytest.raises(InvariantBroken, match=message):
        result(totals)


def test_a_row_that_a_sink_could_not_keep_counts_as_not_read():
    totals = RunTotals(1, exhausted=True)
    totals.add(split_result(4, accepted=4))
    failed = [
        ReadFailure("a", "archive: unavailable"),
        ReadFailure("b", "archive: unavailable"),
    ]
    found = result(
        totals,
        CommitResult(duplicates=1, failed=[failed[0]]),
        CommitResult(duplicates=None, failed=failed),
    )
    assert (
        found.records_read,
        found.accepted,
        found.duplicates,
        found.objects_unread,
    ) == (2, 1, 1, 2)
    assert (found.status, found.unread_reasons) == (
        "partial",
        {"archive: unavailable": 2},
    )


def test_duplicates_are_known_to_sinks_that_can_tell():
    totals = RunTotals(1, exhausted=True)
    totals.add(split_result(4, accepted=4))
    assert (
        result(
            totals, CommitResult(duplicates=3), CommitResult(duplicates=None)
        ).duplicates
        == 3
    )
    blind = RunTotals(1, exhausted=True)
    blind.add(split_result(4, accepted=4))
    assert result(blind, CommitResult(duplicates=None)).duplicates == 0


def test_what_was_upserted_is_in_the_result_and_nothing_of_it_otherwise():
    run = Run(SimpleNamespace(report="r"), "id", AT, 0.0, None, None, None)
    upserted = UpsertCounts(inserted=1, updated=2, unchanged=3, deleted=4)
    given = {"quarantine": None}
    totals = RunTotals(sinks=1)
    totals.add(SplitResult(Split("s", {}), list("abcdef"), 6, staged_parts=[[]]))
    found = run_result(
        run, totals, [CommitResult(upserted=upserted)], PlanStats(), **given
    )
    assert found.model_dump().items() >= upserted._asdict().items()
    found = run_result(run, totals, [CommitResult()], PlanStats(), **given)
    assert found.inserted is None
    assert not found.model_dump().keys() & upserted._asdict().keys()


@pytest.mark.parametrize("counts", [(1, 2, 2, 0), (1, 2, 4, 0)])
def test_what_was_upserted_adds_up_to_what_was_accepted(counts):
    run = Run(SimpleNamespace(report="r"), "id", AT, 0.0, None, None, None)
    totals = RunTotals(sinks=1)
    totals.add(SplitResult(Split("s", {}), list("abcdef"), 6, staged_parts=[[]]))
    with pytest.raises(InvariantBroken, match="that does not add up"):
        run_result(
            run,
            totals,
            [CommitResult(upserted=UpsertCounts(*counts))],
            PlanStats(),
            quarantine=None,
        )
