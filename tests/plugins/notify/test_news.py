"""Messages about runs: each thing once, until it changes or ends, and never by two runs."""

import json
import threading
from datetime import UTC, datetime, timedelta

import pytest

from reporting_framework import (
    CheckFailed,
    CommitConflict,
    Notes,
    StorageUnavailable,
)
from reporting_framework.errors import SchemaChanged
from reporting_framework.plugin_api.result import (
    CheckOutcome,
    RejectionCount,
    RunResult,
    SchemaChange,
)
from reporting_notify.conditions import of_failure, of_result
from reporting_notify.memory import CLAIM, Memory
from reporting_notify.message import message_of
from reporting_notify.settings import ReportSettings

NOW = datetime(2024, 5, 1, 12, tzinfo=UTC)
SETTINGS = ReportSettings(max_age="2d")
CHANGES = [SchemaChange(column="a", change="retyped", before="Int64", after="String")]


def result(**changes):
    given = {"report": "r", "run_id": "1", "status": "ok", "complete": True}
    return RunResult(**(given | changes))


def check(name, *, passed):
    return CheckOutcome(
        name=name,
        check="unique",
        columns=["a"],
        over="run",
        severity="warn",
        passed=passed,
        problem="" if passed else "2 rows",
    )


class Kept(Notes):
    """Notes in memory; `before_save` is called once before the next write."""

    def __init__(self):
        self.content, self.version, self.before_save = {}, 0, None
        self.reads = self.writes = 0

    def load(self):
        self.reads += 1
        return json.loads(json.dumps(self.content)), str(self.version)

    def save(self, content, *, if_version):
        if (action := self.before_save) is not None:
            self.before_save = None
            action()
        if if_version != str(self.version):
            raise CommitConflict("changed")
        self.content, self.version = content, self.version + 1
        self.writes += 1
        return str(self.version)


class Told:
    """A memory, and runs one after the other, one hour apart."""

    def __init__(self):
        self.notes, self.now = Kept(), NOW

    def __call__(self, run, *, sent=True):
        self.now += timedelta(hours=1)
        judgement = (
            of_failure(run, SETTINGS)
            if isinstance(run, BaseException)
            else of_result(run, SETTINGS, self.now)
        )
        memory = Memory(self.notes)
        said = memory.claim(judgement, self.now)
        if said:
            memory.settle(said, sent=sent)
        topics = [each.topic for each in said.conditions]
        return [*topics, *(f"no {topic}" for topic, _ in said.recovered)]


@pytest.fixture
def news():
    return Told()


def rejecting(*reasons, read=100):
    counts = [RejectionCount(type="x", field=each, count=5) for each in reasons]
    rejected = 5 * len(reasons)
    return result(records_read=read, rejected=rejected, rejections=counts)


def test_a_failure_is_said_once_and_so_is_its_end(news):
    assert news(StorageUnavailable("down")) == ["failure"]
    assert news(StorageUnavailable("still down")) == []
    assert news(ValueError("another error")) == ["failure"]
    assert news(StorageUnavailable("down")) == []
    assert news(result()) == ["no failure"]
    assert news(result()) == []
    assert news.notes.content == {}
    assert news(StorageUnavailable("down")) == ["failure"]


def test_a_run_without_news_reads_the_notes_once_and_writes_none(news):
    assert news(result()) == []
    assert (news.notes.reads, news.notes.writes) == (1, 0)


def test_a_check_that_fails_is_said_again_only_with_another(news):
    one = result(checks=[check("a", passed=False), check("b", passed=True)])
    assert news(one) == ["checks"]
    assert news(one) == []
    both = result(checks=[check("a", passed=False), check("b", passed=False)])
    assert news(both) == ["checks"]
    assert news(one) == []
    assert news(CheckFailed("failed", both)) == ["failure"]
    assert news(result()) == ["no failure", "no checks"]


def test_rejections_are_said_by_reason_and_judged_if_there_are_records(news):
    assert news(rejecting("a")) == []
    assert news(rejecting("a", "b")) == ["rejections"]
    assert news(rejecting("b", "a", read=20)) == []
    assert news(rejecting("a", "c")) == ["rejections"]
    assert news(result(records_read=0)) == []
    assert news(rejecting("a")) == ["no rejections"]


def test_stale_data_is_said_until_it_is_fresh(news):
    old = NOW - timedelta(days=3)
    assert news(result(last_processed_timestamp=old)) == ["staleness"]
    assert news(result(last_processed_timestamp=old)) == []
    assert news(result()) == []
    assert news(result(last_processed_timestamp=NOW)) == ["no staleness"]


def test_a_change_of_columns_is_an_event_without_an_end(news):
    assert news(result(schema_changes=CHANGES)) == ["schema"]
    assert news(result(schema_changes=CHANGES)) == []
    assert news(result()) == []
    assert news(result(schema_changes=CHANGES)) == ["schema"]


def test_what_no_target_has_taken_is_said_by_the_next_run(news):
    assert news(ValueError(), sent=False) == ["failure"]
    assert news(ValueError(), sent=False) == ["failure"]
    assert news(result()) == []  # nobody has heard of it
    assert news(ValueError()) == ["failure"]
    assert news(result(), sent=False) == ["no failure"]
    assert news(result()) == ["no failure"]


def test_a_killed_run_leaves_a_claim_that_others_take_over_later(news):
    Memory(news.notes).claim(of_failure(ValueError(), SETTINGS), NOW)  # and is killed
    news.now = NOW - timedelta(hours=1) + CLAIM / 2
    assert news(ValueError()) == []
    news.now = NOW - timedelta(hours=1) + 2 * CLAIM
    assert news(ValueError()) == ["failure"]


def test_of_two_runs_at_once_one_speaks():
    notes, said = Kept(), []

    def other():
        said.append(Memory(notes).claim(of_failure(ValueError(), SETTINGS), NOW))

    notes.before_save = other
    said.append(Memory(notes).claim(of_failure(ValueError(), SETTINGS), NOW))
    assert [bool(each) for each in said] == [True, False]


def test_a_run_that_always_comes_second_says_nothing():
    class Busy(Kept):
        def save(self, content, *, if_version):
            raise CommitConflict("changed")

    assert not Memory(Busy()).claim(of_failure(ValueError(), SETTINGS), NOW)


@pytest.mark.parametrize(
    "content",
    [
        {"failure": 1},
        {"failure": {"signs": 1}},
        {"else": {}},
        {"failure": {"signs": ["ValueError"], "open": True, "passing": False,
                     "since": "x", "sent": False, "claimed": "x"}},
    ],
)  # fmt: skip
def test_notes_of_another_version_hide_nothing(news, content):
    news.notes.content = content
    assert news(ValueError()) == ["failure"]


def test_only_the_chosen_topics_are_said():
    settings = ReportSettings(on=("staleness",), max_age="1d")
    assert of_failure(ValueError(), settings).conditions == ()
    stale = result(
        checks=[check("a", passed=False)],
        last_processed_timestamp=NOW - timedelta(days=2),
    )
    found = of_result(stale, settings, NOW).conditions
    assert [each.topic for each in found] == ["staleness"]


def test_a_message_has_counts_and_names_and_no_value_of_an_error():
    memory = Memory(None)
    said = memory.claim(of_failure(ValueError("SECRET"), SETTINGS), NOW)
    failure = message_of("visits", "7", said)
    assert failure == (
        "failure",
        "visits: run failed",
        "run failed:\n- ValueError\nrun 7",
    )
    error = SchemaChanged("report visits: columns\nhave changed", CHANGES)
    lines = message_of(
        "visits", "7", memory.claim(of_failure(error, SETTINGS), NOW)
    ).body
    assert lines.splitlines()[1:3] == [
        "- SchemaChanged: report visits: columns have changed",
        "- column a: retyped, Int64 to String",
    ]
    many = rejecting("a", "b")
    warning = message_of(
        "visits", "7", memory.claim(of_result(many, SETTINGS, NOW), NOW), many
    )
    assert warning.title == "visits: 10.0% of the records were rejected"
    assert warning.kind == "warning"
    assert "- 10 of 100; 5.0% is allowed\n- 5 x x in a\n" in warning.body
    assert warning.body.splitlines()[-2:] == [
        "read 100, accepted 0, rejected 10, objects unread 0",
        "run 7",
    ]


def test_a_title_fits_and_is_one_line():
    said = Memory(None).claim(of_failure(ValueError(), SETTINGS), NOW)
    title = message_of("v\n" * 200, "7", said).title
    assert len(title) == 100
    assert title.isprintable()


def test_many_runs_at_once_say_a_failure_once(tmp_path):
    from reporting_framework.metadata.notes import ObserverNotes
    from reporting_framework.storage import parse_location

    place, said = parse_location(f"{tmp_path}/notes.json"), []

    def run():
        memory = Memory(ObserverNotes(place))
        found = memory.claim(of_failure(ValueError(), SETTINGS), NOW)
        said.append(bool(found))

    threads = [threading.Thread(target=run) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said) == [False] * 5 + [True]
