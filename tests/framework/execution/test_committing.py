"""The commit of a run: the order of its steps, and what is kept beside the rows."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from reporting_framework import CommitResult, ReadFailure, Split, SplitResult
from reporting_framework.errors import StorageUnavailable
from reporting_framework.execution.committing import Committing
from reporting_framework.execution.planning import Run
from reporting_framework.execution.totals import RunTotals
from reporting_framework.plugin_api.result import Output

AT = datetime(2024, 1, 1, tzinfo=UTC)


class Sink:
    """A sink that writes each call down in `calls`."""

    def __init__(self, name, calls, *, failed=()):
        self.name, self.calls, self.failed = name, calls, failed

    def commit(self, staged_parts):
        self.calls.append((self.name, "commit"))
        output = Output(uri=self.name, rows=7, new_rows=1, bytes=1, version=None)
        return CommitResult([output], 0, None, (), self.failed)


class Quarantine:
    """A quarantine that writes each call down in `calls`."""

    def __init__(self, calls):
        self.calls = calls

    def mark_in_progress(self, objects):
        self.calls.append(("quarantine", "mark_in_progress", *objects))

    def replace_entries(self, reread, rejections, *, run_id, at):
        self.calls.append(("quarantine", "replace_entries", *sorted(reread)))
        return "the state"

    def save_hints(self, hints):
        self.calls.append(("quarantine", "save_hints", hints))


@pytest.fixture
def calls():
    return []


def committing(
    calls, sinks, *, keepers, pushed=False, source_keys=("a",), limit=None, replay=None
):
    """The commit of a run that has read these source keys."""
    source = SimpleNamespace(
        bookmark=lambda *, complete, unread, rows: {"rows": rows, "unread": unread}
    )
    pipeline = SimpleNamespace(report="test", source=source, sinks=sinks, pushed=pushed)
    run = Run(pipeline, "id", AT, 0.0, None, limit, replay)
    opened = SimpleNamespace(
        keepers=keepers,
        quarantine=Quarantine(calls),
        progress=SimpleNamespace(bookmark={"of": "the run before"}),
    )
    totals = RunTotals(len(sinks), frozenset(replay or ()))
    parts = [[] for _ in sinks]
    totals.add(
        SplitResult(Split("1", {}), list(source_keys), 1, [], staged_parts=parts)
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


def test_a_replay_marks_what_it_reads_and_leaves_the_bookmark_as_it_was(calls):
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
