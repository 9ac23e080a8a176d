"""Runs that a notification of S3 starts: exactly the objects that it names are read, and nothing is listed."""

import json
import time
from datetime import UTC, datetime
from urllib.parse import quote_plus

import pytest

from reporting_framework import ReadFailure, Trigger, TriggerError
from reporting_framework.storage import open_store
from reporting_object_store.json_source import source as module
from reporting_object_store.json_source.notifications import Message, messages
from tests.support import Fault
from tests.support.plugins import (
    checkpoint,
    event,
    execute,
    name_of,
    pipeline,
    source,
    source_keys_of,
    take,
)


def record(bucket, key, *, kind="ObjectCreated:Put"):
    return {
        "eventSource": "aws:s3",
        "eventName": kind,
        "s3": {"bucket": {"name": bucket}, "object": {"key": quote_plus(key)}},
    }


def notification(*records):
    return {"Records": list(records)}


def s3(*records):
    return Trigger("s3", notification(*records), names_work=True)


def queue(**bodies):
    sent = [
        {
            "messageId": name,
            "eventSource": "aws:sqs",
            "body": body if isinstance(body, str) else json.dumps(body),
        }
        for name, body in bodies.items()
    ]
    return Trigger("sqs", {"Records": sent}, names_work=True)


# -- what a notification says ---------------------------------------------------------------------------------------


def test_keys_are_unquoted_and_removals_say_nothing():
    found = messages(
        s3(record("b", "p/a b+ü.json"), record("b", "p/x", kind="ObjectRemoved:Delete"))
    )
    assert found == [Message(None, [("b", "p/a b+ü.json")])]


def test_what_eventbridge_says_of_s3_is_not_quoted():
    detail = {"bucket": {"name": "b"}, "object": {"key": "p/a+b.json"}}
    event_ = {"source": "aws.s3", "detail-type": "Object Created", "detail": detail}
    assert messages(Trigger("s3", event_)) == [Message(None, [("b", "p/a+b.json")])]
    assert messages(Trigger("s3", event_ | {"detail-type": "Object Deleted"})) == [
        Message(None, [])
    ]


def test_a_run_that_is_named_its_objects_says_so_and_when_everything_is_listed(
    s3_environment, bucket, tmp_path
):
    key = name_of(1)
    s3_environment.client().put_object(Bucket=bucket, Key=f"p/{key}", Body=event(1))
    made = source(f"s3://{bucket}/p")
    made.accept_trigger(s3(record(bucket, f"p/{key}")))
    result = execute(pipeline(made, checkpoint(tmp_path / "x.parquet")))
    assert (result.accepted, result.listing, result.listed_from) == (1, "named", None)
    assert result.full_scan_due <= datetime.now(UTC), (
        "nothing was ever listed: the next run that lists does"
    )


def test_a_test_event_names_nothing():
    assert messages(Trigger("s3", {"Event": "s3:TestEvent"})) == [Message(None, [])]


def test_each_message_of_a_queue_stands_for_itself():
    found = messages(
        queue(
            one=notification(record("b", "x")),
            two=notification(record("b", "y"), record("b", "z")),
            test={"Event": "s3:TestEvent"},
            other="no JSON",
            list=[1],
            empty={},
            mapping={"Records": {}},
        )
    )
    assert found == [
        Message("one", [("b", "x")]),
        Message("two", [("b", "y"), ("b", "z")]),
        Message("test", []),
        Message("other", valid=False),
        Message("list", valid=False),
        Message("empty", valid=False),
        Message("mapping", valid=False),
    ]


@pytest.mark.parametrize(
    "event_", [{}, {"Records": [{}]}, {"Records": [{"s3": {"bucket": {"name": "b"}}}]}]
)
def test_a_notification_that_is_none_is_refused(event_):
    with pytest.raises(TriggerError, match="names no bucket or no object"):
        messages(Trigger("s3", event_))


# -- what is read ---------------------------------------------------------------------------------------------------


@pytest.fixture
def filled(bucket, s3_environment, proxy, monkeypatch):
    """The name of a bucket with three events in it, which is reached through `proxy`."""
    store = open_store(f"s3://{bucket}/events")
    for number in range(3):
        store.put(name_of(number), event(number), if_version=None)
    for name, value in s3_environment.behind(proxy.endpoint).environment().items():
        monkeypatch.setenv(name, value)
    proxy.reset()
    return bucket


def run(bucket, target, trigger, **how):
    made = source(f"s3://{bucket}/events")
    made.accept_trigger(trigger)
    return execute(pipeline(made, checkpoint(target)), **how)


def fill_more(bucket):
    """Ten more events; their names."""
    names = [name_of(number) for number in range(10, 20)]
    for number, name in enumerate(names):
        open_store(f"s3://{bucket}/events").put(name, event(number), if_version=None)
    return names


def key_of(number):
    return f"events/{name_of(number)}"


def test_only_what_is_named_is_read_and_nothing_is_listed(filled, proxy, tmp_path):
    target = tmp_path / "out.parquet"
    named = [
        record(filled, key_of(1)),
        record(filled, "elsewhere/x.json"),
        record("other", key_of(2)),
    ]
    result = run(filled, target, s3(*named, record(filled, "events/notes.txt")))
    assert (result.records_read, result.accepted, result.complete, result.response) == (
        1,
        1,
        True,
        None,
    )
    assert result.objects_ignored == 3
    assert result.ignored_samples == [
        f"{filled}/elsewhere/x.json",
        f"other/{key_of(2)}",
        "notes.txt",
    ]
    assert source_keys_of(target) == [name_of(1)]
    assert run(filled, target, s3(record(filled, key_of(1)))).records_read == 0
    assert proxy.count("LIST") == 0


def test_the_first_listing_run_after_it_lists_everything(filled, tmp_path):
    run(filled, tmp_path / "out.parquet", s3(record(filled, key_of(1))))
    result = take(f"s3://{filled}/events", tmp_path / "out.parquet")
    assert (result.accepted, source_keys_of(tmp_path / "out.parquet")) == (
        2,
        [name_of(number) for number in range(3)],
    )


def test_messages_whose_objects_were_not_read_are_delivered_again(
    filled, proxy, tmp_path
):
    proxy.inject(Fault.answer(403, "AccessDenied"), key=key_of(1), times=None)
    result = run(
        filled,
        tmp_path / "out.parquet",
        queue(
            fine=notification(record(filled, key_of(0))),
            denied=notification(record(filled, key_of(0)), record(filled, key_of(1))),
            gone=notification(
                record(filled, "events/log-submit-20240101-000000-9.json")
            ),
            odd="no JSON",
            test={"Event": "s3:TestEvent"},
        ),
    )
    assert result.response == {
        "batchItemFailures": [{"itemIdentifier": "denied"}, {"itemIdentifier": "odd"}]
    }
    assert (result.accepted, result.objects_unread) == (1, 2)


def test_what_was_left_over_is_tried_by_the_next_run_that_lists(
    filled, proxy, tmp_path, monkeypatch
):
    """Even what no incremental listing would find: an event whose name lies long before the look-back."""
    target, late = tmp_path / "out.parquet", "log-submit-20010101-000000-9.json"
    take(f"s3://{filled}/events", target)
    open_store(f"s3://{filled}/events").put(late, event(9), if_version=None)
    assert take(f"s3://{filled}/events", target).accepted == 0
    monkeypatch.setattr(module, "SPLIT_OBJECTS", 1)
    fresh = fill_more(filled)
    named = s3(*(record(filled, f"events/{name}") for name in [*fresh, late]))
    result = run(filled, target, named, deadline=time.monotonic() - 1)
    assert not result.complete
    assert result.remaining == len(fresh) + 1 - result.accepted > 0
    proxy.reset()
    assert take(f"s3://{filled}/events", target).accepted == result.remaining
    assert late in source_keys_of(target)
    assert proxy.count("LIST") > 0


def test_messages_are_not_done_when_the_deadline_came_first(
    filled, tmp_path, monkeypatch
):
    monkeypatch.setattr(module, "SPLIT_OBJECTS", 1)
    target, fresh = tmp_path / "out.parquet", fill_more(filled)
    bodies = {name: notification(record(filled, f"events/{name}")) for name in fresh}
    result = run(filled, target, queue(**bodies), deadline=time.monotonic() - 1)
    left = [each["itemIdentifier"] for each in result.response["batchItemFailures"]]
    assert left == sorted(set(fresh) - set(source_keys_of(target)))
    assert left


def test_a_run_that_lists_answers_nothing():
    assert (
        source("memory://none").build_response([ReadFailure("x", "denied")], []).answer
        is None
    )


def test_what_is_named_is_elsewhere_for_a_folder(tmp_path):
    made = source(tmp_path)
    made.accept_trigger(s3(record("b", "x.json")))
    result = execute(pipeline(made, checkpoint(tmp_path / "out" / "k.parquet")))
    assert (result.records_read, result.objects_ignored) == (0, 1)
