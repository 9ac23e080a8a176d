"""What a run leaves in its history: no credentials, bounded lists, and what observers are told."""

import itertools
import logging
import threading
from datetime import UTC, datetime

import pytest

from reporting_framework import SOURCE_KEY, Rejection, Split, hookimpl
from reporting_framework.execution import recorder as recorder_module
from reporting_framework.execution.recorder import MAX_LISTED, Recorder
from reporting_framework.plugin_api.records import SplitResult
from reporting_framework.plugin_api.result import Output, RejectionCount, RunResult
from reporting_framework.testing.fakes import (
    SCHEMA,
    GivenRecords,
    KeptRows,
    batch,
    execute,
    pipeline,
)

AT = datetime(2024, 1, 1, tzinfo=UTC)
_numbers = itertools.count(1)


class Memory:
    """A history in memory."""

    def __init__(self):
        self.kept, self.noted, self.written = [], [], []

    def load(self):
        pass

    def clear(self):
        pass

    def add_rows(self, source_keys, versions):
        self.noted += zip(source_keys, versions, strict=True)

    def flush(self, **what):
        self.written.append(what)

    def add_run(self, record):
        self.kept.append(record)


def with_history(source, history):
    """A report whose metadata store has this history."""
    made = pipeline(source, KeptRows(), metadata=f"memory://recorder-{next(_numbers)}")
    made.metadata.history = history
    return made


class Located(GivenRecords):
    """A source that tells where it reads."""

    places: tuple[str, ...] = ()

    def source_uris(self):
        if not self.places:
            raise ValueError("SECRET")
        return self.places


@pytest.mark.parametrize(
    ("uri", "told"),
    [
        ("s3://bucket/a?b#c", "s3://bucket/a?b#c"),
        ("postgres://me:pass@word@host:5432/db", "postgres://host:5432/db"),
        ("https://u:p@host/a?X-Amz-Signature=1#f", "https://host/a"),
        ("/a/path@home", "/a/path@home"),
    ],
)
def test_inputs_hold_no_credentials(uri, told):
    source = Located({"s": [batch(1)]})
    source.places = (uri,)
    history = Memory()
    execute(with_history(source, history))
    assert [record.inputs for record in history.kept] == [[told]]


def test_a_source_that_raises_does_no_harm(caplog):
    history = Memory()
    with caplog.at_level(logging.WARNING):
        assert execute(with_history(Located({"s": [batch(1)]}), history)).accepted == 1
    assert history.kept[0].inputs == []
    assert (
        "this run does not say what it reads: report test: source test-given raised ValueError"
        in caplog.messages[0]
    )


@pytest.mark.parametrize("hanging", ["flush", "add_run"])
def test_a_history_that_hangs_holds_up_no_run(hanging, monkeypatch, caplog):
    class Hanging(Memory):
        asked = 0

        def flush(self, **what):
            self.wait("flush")

        def add_run(self, record):
            self.wait("add_run")

        def wait(self, name):
            if name == hanging:
                self.asked += 1
                release.wait(30)

    release, history = threading.Event(), Hanging()
    monkeypatch.setattr(recorder_module, "TIMEOUT_SECONDS", 0.1)
    with caplog.at_level(logging.WARNING):
        assert (
            execute(with_history(GivenRecords({"s": [batch(1)]}), history)).accepted
            == 1
        )
    release.set()
    assert history.asked == 1
    assert [message.partition(": ")[2] for message in caplog.messages] == [
        "it took longer than 0.1 s, and is left to itself"
    ]


def test_accepted_rows_are_noted_with_the_version_of_their_objects():
    history = Memory()
    first, second = (
        batch(1, 2),
        batch(3, key="b", rejected=[Rejection("c", "v9", "too_large")]),
    )
    execute(
        with_history(
            GivenRecords({"s": [first._replace(versions=["v1", "v2"]), second]}),
            history,
        )
    )
    assert history.noted == [
        ("given.ndjson#1", "v1"),
        ("given.ndjson#2", "v2"),
        ("b#3", "1"),
    ]
    assert [each["validator"] for each in history.written] == ["test-event"]


def test_a_record_is_bounded():
    history = Memory()
    recorder = Recorder(with_history(GivenRecords({}), history), "r", AT)
    recorder.use_history()
    many = range(2 * MAX_LISTED)
    outputs = [
        Output(uri=str(number), rows=1, new_rows=number == MAX_LISTED, bytes=1)
        for number in many
    ]
    reasons = [RejectionCount(type=str(number), field=None, count=1) for number in many]
    recorder.finished(
        RunResult(
            report="r",
            run_id="r",
            status="ok",
            complete=True,
            outputs=outputs,
            rejections=reasons,
        )
    )
    [record] = history.kept
    assert (len(record.outputs), len(record.rejections)) == (MAX_LISTED, MAX_LISTED)
    assert record.outputs[0].uri == str(MAX_LISTED), "those with new rows come first"


def test_what_is_turned_away_is_not_noted():
    history = Memory()
    recorder = Recorder(with_history(GivenRecords({}), history), "r", AT)
    recorder.use_history()
    recorder.add(
        SplitResult(
            Split("s", {}), ["a"], 0, [Rejection("a", "1", "x")], versions=["1"]
        )
    )
    turned = [Rejection("b", "2", "x")]
    recorder.add(
        SplitResult(
            Split("s", {}), ["a", "b", "c"], 2, turned, versions=["1", "2", None]
        )
    )
    assert history.noted == [("a", "1"), ("c", None)]


def test_observers_are_told_what_the_run_is_made_of():
    told = []

    class Observer:
        @hookimpl
        def reporting_run_started(self, inputs, steps, schema):
            told.append((inputs, steps, schema))

    source = Located({"s": [batch(1)]})
    source.places = ("s3://b/in",)
    execute(pipeline(source, KeptRows()), Observer())
    assert told == [(["s3://b/in"], (), SCHEMA)]
    assert SOURCE_KEY in told[0][2]
