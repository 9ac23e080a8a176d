"""The commit of a run: the order of its steps, and what is kept beside the rows."""

from datetime import UTC, datetime
from types import SimpleNamespace

import polars as pl
import pytest

from reporting_framework import (
    SOURCE_KEY,
    CommitResult,
    ReadFailure,
    Rejection,
    Split,
    SplitResult,
)
from reporting_framework.errors import IncompleteRun, StorageUnavailable
from reporting_framework.execution.committing import Committing
from reporting_framework.execution.planning import Run
from reporting_framework.execution.source_state import SourceState
from reporting_framework.execution.totals import RunTotals
from reporting_framework.plugin_api.records import FILTERED
from reporting_framework.plugin_api.result import Output

AT = datetime(2024, 1, 1, tzinfo=UTC)


class Sink:
    """A sink that writes each call down in `calls`."""

    def __init__(self, name, calls, *, failed=()):
        self.name, self.calls, self.failed = name, calls, failed

    def commit(self, staged_parts, context):
        self.context = context
        self.calls.append((self.name, "commit"))
        output = Output(uri=self.name, rows=7, new_rows=1, bytes=1, version=None)
        return CommitResult([output], 0, None, (), self.failed)


class Metadata:
    """A metadata store and its quarantine that write each call down in `calls`."""

    def __init__(self, calls):
        self.calls, self.quarantine = calls, self

    def mark_in_progress(self, objects):
        self.calls.append(("quarantine", "mark_in_progress", *objects))

    def replace_entries(self, reread, rejections, *, run_id, at, newest_read):
        self.calls.append(("quarantine", "replace_entries", *sorted(reread)))
        return "the state"

    def entries(self):
        return pl.DataFrame({SOURCE_KEY: ["old#1", "older"]})

    def save_hints(self, hints):
        self.calls.append(("quarantine", "save_hints", hints))


@pytest.fixture
def calls():
    return []


def committing(
    calls,
    sinks,
    *,
    keepers,
    pushed=False,
    source_keys=("a",),
    limit=None,
    replay=None,
    modes=None,
    kept=False,
    unread=(),
):
    """The commit of a run that has read these source keys."""
    source = SimpleNamespace(
        name="test-source",
        next_hints=lambda *, complete, unread, rows: {"rows": rows, "unread": unread},
        next_state=lambda done: {"done": [each.split.id for each in done]},
    )
    pipeline = SimpleNamespace(
        report="test",
        source=source,
        sinks=sinks,
        pushed=pushed,
        modes=modes or ["append"] * len(sinks),
    )
    run = Run(pipeline, "id", AT, 0.0, None, limit, replay)
    opened = SimpleNamespace(
        keepers=keepers,
        metadata=Metadata(calls),
        progress=SimpleNamespace(hints={"of": "the run before"}),
        state=SourceState(
            "s", [None] * len(sinks), [kept] * len(sinks), pipeline.modes
        ),
    )
    totals = RunTotals(len(sinks), frozenset(replay or ()))
    parts = [[] for _ in sinks]
    totals.add(
        SplitResult(
            Split("1", {}),
            list(source_keys),
            1,
            [],
            unread=list(unread),
            staged_parts=parts,
        )
    )
    return Committing(run, opened, totals), totals


def test_sinks_that_keep_a_ledger_are_committed_last(calls):
    """What they hold counts as done, so it must be done elsewhere before."""
    sinks = [Sink(name, calls) for name in "abc"]
    given, _ = committing(calls, sinks, keepers=[True, False, True])
    results = given.commit()
    assert calls == [("b", "commit"), ("a", "commit"), ("c", "commit")]
    assert [each.outputs[0].uri for each in results] == ["a", "b", "c"]


def test_objects_of_several_records_are_marked_before_anything_is_visible(calls):
    given, _ = committing(
        calls, [Sink("a", calls)], keepers=[True], source_keys=["x#1", "x#2", "y"]
    )
    given.record(given.commit())
    assert calls == [
        ("quarantine", "mark_in_progress", "x"),
        ("a", "commit"),
        ("quarantine", "replace_entries", "x"),
        ("quarantine", "save_hints", {"rows": 7, "unread": []}),
    ]


def test_a_replay_marks_what_it_reads_and_leaves_the_hints_as_they_were(calls):
    given, _ = committing(
        calls, [Sink("a", calls)], keepers=[True], source_keys=["y"], replay=["y", "z"]
    )
    assert given.record(given.commit()) == "the state"
    assert calls == [
        ("quarantine", "mark_in_progress", "y"),
        ("a", "commit"),
        ("quarantine", "replace_entries", "y"),
        ("quarantine", "save_hints", {"of": "the run before"}),
    ]


def test_a_dry_run_writes_nothing_beside_the_rows(calls):
    given, _ = committing(
        calls, [Sink("a", calls)], keepers=[True], source_keys=["x#1", "x#2"], limit=5
    )
    assert given.record(given.commit()) is None
    assert calls == [("a", "commit")]


@pytest.mark.parametrize(
    ("keepers", "pushed", "raises"),
    [
        ([False], False, True),
        ([True], False, True),
        ([True], True, True),
        ([False], True, False),
    ],
)
def test_rows_that_a_sink_could_not_keep_fail_the_run_unless_they_are_delivered_again(
    calls, keepers, pushed, raises
):
    sink = Sink("a", calls, failed=[ReadFailure("x", "throttled")])
    given, totals = committing(calls, [sink], keepers=keepers, pushed=pushed)
    if raises:
        with pytest.raises(
            StorageUnavailable,
            match="sink a could not keep 1 rows: throttled; run again",
        ):
            given.commit()
        return
    [result] = given.commit()
    totals.add_commits([result])
    assert (totals.read, [each.source_key for each in totals.unread]) == (0, ["x"])


def test_the_state_is_committed_with_the_rows_after_the_rejections_are_recorded(calls):
    """A source that starts from its state does not read a rejected record again.

    What is in quarantine of records that are accepted now stays until they are rows.
    """
    sink = Sink("a", calls)
    given, totals = committing(
        calls, [sink], keepers=[False], kept=True, source_keys=["x#1"]
    )
    totals.rejections.append(Rejection("bad", None, "missing"))
    given.record(given.commit())
    assert [call[:3] for call in calls[1:4]] == [
        ("quarantine", "replace_entries"),
        ("a", "commit"),
        ("quarantine", "replace_entries", "x"),
    ]
    assert sink.context.state == {
        "sequence": 1,
        "source": "s",
        "mode": "append",
        "state": {"done": ["1"]},
    }


def test_a_dry_run_of_a_report_that_replaces_commits_nothing(calls):
    """No rows were staged, and no rows would become the table."""
    given, totals = committing(
        calls, [Sink("a", calls)], keepers=[False], modes=["replace"], limit=5
    )
    totals.exhaust()
    assert given.commit() == [CommitResult()]
    assert ("a", "commit") not in calls


@pytest.mark.parametrize("options", [{"replay": ["a"]}, {"limit": 5}])
def test_a_replay_and_a_dry_run_leave_the_state_as_it_is(calls, options):
    sink = Sink("a", calls)
    given, _ = committing(calls, [sink], keepers=[False], kept=True, **options)
    given.commit(snapshot=True)
    assert (sink.context.state, sink.context.snapshot) == (None, False)


def test_a_split_with_an_unread_object_is_not_done_and_no_snapshot(calls):
    sink = Sink("a", calls)
    unread = [ReadFailure("b", "missing")]
    given, totals = committing(calls, [sink], keepers=[False], kept=True, unread=unread)
    totals.exhaust()
    given.commit(snapshot=True)
    assert sink.context.state["state"] == {"done": []}
    assert not sink.context.snapshot


def test_a_snapshot_names_the_rejected_records_but_not_the_filtered_ones(calls):
    sink = Sink("a", calls)
    given, totals = committing(calls, [sink], keepers=[False], modes=["upsert"])
    totals.rejections.append(Rejection("bad", None, "missing"))
    totals.rejections.append(Rejection("out", None, FILTERED))
    given.commit(snapshot=True)
    assert not sink.context.snapshot, "not all was read"
    totals.exhaust()
    given.commit(snapshot=True)
    assert (sink.context.snapshot, sink.context.not_staged) == (True, ["bad"])


@pytest.mark.parametrize(
    ("exhausted", "options", "raises"),
    [
        (True, {}, False),
        (False, {}, True),
        (True, {"replay": ["a"]}, True),
        (True, {"unread": [ReadFailure("b", "denied")]}, True),
    ],
)
def test_a_table_is_replaced_by_all_that_the_source_has_or_not_at_all(
    calls, exhausted, options, raises
):
    sink = Sink("a", calls)
    given, totals = committing(
        calls, [sink], keepers=[False], modes=["replace"], **options
    )
    if exhausted:
        totals.exhaust()
    if not raises:
        given.commit()
        return
    with pytest.raises(IncompleteRun, match="report test: write_mode is replace"):
        given.commit()
    assert ("a", "commit") not in calls


def test_a_run_that_replaces_the_table_has_read_what_is_in_quarantine_again(calls):
    given, totals = committing(
        calls, [Sink("a", calls)], keepers=[False], modes=["replace"]
    )
    totals.exhaust()
    given.record(given.commit())
    assert ("quarantine", "replace_entries", "old", "older") in calls


@pytest.mark.parametrize(("reason", "kept"), [("missing", True), (FILTERED, False)])
def test_a_table_is_not_replaced_by_nothing_if_all_was_rejected(calls, reason, kept):
    given, totals = committing(
        calls, [Sink("a", calls)], keepers=[False], modes=["replace"], source_keys=()
    )
    totals.exhaust()
    totals.staged = 0
    totals.rejections.append(Rejection("bad", None, reason))
    given.commit()
    assert (("a", "commit") not in calls) == kept
