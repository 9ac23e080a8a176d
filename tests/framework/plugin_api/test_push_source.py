"""Sources of messages that a trigger hands over: two methods, and the answer to it."""

import pytest

from reporting_framework import (
    FILTERED,
    PushSource,
    ReadFailure,
    Rejection,
    Trigger,
    TriggerError,
)
from reporting_framework.testing import CANARY, SourceContract
from reporting_framework.testing.harness.ledger import KnownObjects
from tests.support.plugins import event as visit
from tests.support.plugins import execute, pipeline


class Mailbox(PushSource):
    """Letters in an event; the answer names those that must come again."""

    name = "mailbox"
    triggers = frozenset({"mail"})
    split_messages = 3
    max_record_bytes = 1_000

    def messages(self, event):
        return [(letter["id"], letter["text"]) for letter in event["letters"]]

    def response(self, failed):
        return {"again": list(failed)}


class Kept(Mailbox):
    """A mailbox that sets letters aside, unless their id begins with ``full``."""

    name = "kept"

    def __init__(self):
        super().__init__()
        self.aside = []

    def set_aside(self, rejected):
        self.aside += [(each.rejection.source_key, each.payload) for each in rejected]
        keys = [each.rejection.source_key for each in rejected]
        return [key for key in keys if key.startswith("full")]


def mail(**texts):
    letters = [{"id": key, "text": text} for key, text in texts.items()]
    return Trigger("mail", {"letters": letters}, names_work=True)


class TestMailbox(SourceContract):
    plugin = Mailbox

    @pytest.fixture
    def settings(self):
        return {}

    @pytest.fixture
    def records(self):
        return {f"m{number}": f"{CANARY} {number}".encode() for number in range(5)}

    @pytest.fixture
    def trigger(self, records):
        return mail(**{key: payload.decode() for key, payload in records.items()})


def answered(source, trigger, *, unread=(), rejections=()):
    source.accept_trigger(trigger)
    for split in source.plan(KnownObjects()):
        list(source.read(split))
    return source.build_response(unread, rejections)


def test_what_could_not_be_kept_comes_again_and_what_was_rejected_too():
    """Nobody sets letters aside here, so the queue's own rules must."""
    response = answered(
        Mailbox(),
        mail(a="1", b="2", c="3", d="4"),
        unread=[ReadFailure("b", "full")],
        rejections=[Rejection("c", None, "missing"), Rejection("d", None, FILTERED)],
    )
    assert response.answer == {"again": ["b", "c"]}
    assert response.unread == [ReadFailure("c", "mailbox: not set aside")]


def test_what_was_set_aside_is_done():
    source = Kept()
    response = answered(
        source,
        mail(a="1", full1="2", c="3"),
        rejections=[Rejection(key, None, "missing") for key in ("a", "full1")],
    )
    assert source.aside == [("a", b"1"), ("full1", b"2")]
    assert response.answer == {"again": ["full1"]}


def test_what_was_not_handed_out_comes_again():
    source = Mailbox()
    source.accept_trigger(mail(**{f"m{number}": "x" for number in range(8)}))
    next(source.plan(KnownObjects()))
    stats = source.plan_stats()
    assert (stats.waiting, stats.exhausted) == (5, False)
    assert source.build_response([], []).answer == {
        "again": [f"m{number}" for number in range(3, 8)]
    }


def test_too_large_records_are_rejected_and_the_others_of_the_split_are_read():
    source = Mailbox()
    source.accept_trigger(mail(a="x" * 1_001, b="x" * 1_000))
    [split] = source.plan(KnownObjects())
    [batch] = source.read(split)
    assert batch.source_keys == ["b"]
    assert batch.rejected == [Rejection("a", None, "too_large")]


@pytest.mark.parametrize("event", [{}, {"letters": 1}, {"letters": [{"id": "a"}]}])
def test_another_event_is_refused(event):
    with pytest.raises(
        TriggerError,
        match="source mailbox: a record of the trigger has another form; send",
    ):
        Mailbox().accept_trigger(Trigger("mail", event, names_work=True))


def test_without_a_trigger_there_is_nothing_to_read():
    with pytest.raises(TriggerError, match="source mailbox: there is no trigger"):
        list(Mailbox().plan(KnownObjects()))


def test_a_report_of_messages_answers_its_trigger():
    source = Kept()
    good, bad = visit(1).decode(), "{}"
    source.accept_trigger(mail(a=good, b=bad))
    result = execute(pipeline(source)._replace(pushed=True))
    assert (result.accepted, result.rejected) == (1, 1)
    assert result.response == {"again": []}
    assert source.aside == [("b", b"{}")]
