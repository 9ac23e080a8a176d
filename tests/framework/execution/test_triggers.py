"""What each event is taken for, and what is refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting_framework.errors import TriggerError
from reporting_framework.execution.triggers import (
    AWAITED,
    CONTINUE,
    MAP,
    correlation_id,
    kind_of,
    trigger_of,
    trigger_of_files,
)
from reporting_framework.testing.lambda_events import FOLDER
from tests.support import lambda_event, lambda_events

KINDS = {
    "amazon-mq": "unknown",
    "api-gateway-v1": "http",
    "api-gateway-v2": "http",
    "cloudwatch-logs": "unknown",
    "direct": "direct",
    "direct-empty": "direct",
    "documentdb": "unknown",
    "dynamodb-stream": "unknown",
    "firehose": "unknown",
    "function-url": "http",
    "iot": "unknown",
    "kinesis": "kinesis",
    "msk": "unknown",
    "pipes": "unknown",
    "s3-eventbridge": "s3",
    "s3-put": "s3",
    "s3-removed": "s3",
    "s3-test-event": "s3",
    "schedule-eventbridge": "schedule",
    "schedule-scheduler": "schedule",
    "sns": "unknown",
    "sqs-other": "sqs",
    "sqs-s3": "sqs",
    "unknown": "unknown",
}


SETTINGS = [
    "source",
    "source_bucket",
    "prefix",
    "checkpoint_bucket",
    "checkpoint_key",
    "max_record_bytes",
]


def test_every_recorded_event_is_tested():
    assert sorted(KINDS) == lambda_events()


@pytest.mark.parametrize(("name", "kind"), KINDS.items())
def test_what_each_recorded_event_is(name, kind):
    event = lambda_event(name)
    assert kind_of(event, SETTINGS) == kind
    if kind == "unknown":
        said = "not known to be a direct invocation, and of no service that a report|the event is a list"
        with pytest.raises(TriggerError, match=said):
            trigger_of(kind, event)
        return
    trigger = trigger_of(kind, event)
    assert (trigger.kind, trigger.event) == (kind, event)
    assert trigger.awaited == (kind in ("direct", "http"))
    assert trigger.names_work == (kind in ("s3", "sqs", "kinesis"))
    assert trigger.awaited or trigger.settings == {}


def test_a_direct_invocation_is_settings():
    assert trigger_of("direct", lambda_event("direct")).settings == lambda_event(
        "direct"
    )


@pytest.mark.parametrize("name", ["function-url", "api-gateway-v1", "api-gateway-v2"])
def test_the_body_of_a_request_is_settings(name):
    settings = trigger_of("http", lambda_event(name)).settings
    assert settings
    assert settings.keys() <= {
        "source_bucket",
        "prefix",
        "checkpoint_bucket",
        "checkpoint_key",
        "source",
        "checkpoint",
    }


@pytest.mark.parametrize("body", [None, "", "  \n", "{}"])
def test_a_request_need_not_have_a_body(body):
    assert (
        trigger_of("http", {"requestContext": {"http": {}}, "body": body}).settings
        == {}
    )


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ({"body": "{"}, "the request's body is not JSON"),
        ({"body": "SECRET"}, "the request's body is not JSON"),
        ({"body": "?", "isBase64Encoded": True}, "the request's body is not JSON"),
        ({"body": "/w==", "isBase64Encoded": True}, "the request's body is not JSON"),
        ({"body": 5}, "the request's body is not JSON"),
        ({"body": "[" * 100_000}, "the request's body is not JSON"),
        ({"body": "[1]"}, "the settings are a list; they must be a JSON object"),
        ({"body": '"SECRET"'}, "the settings are a string; they must be a JSON object"),
    ],
)
def test_a_body_that_is_not_settings_is_refused(event, said):
    with pytest.raises(TriggerError, match=said) as caught:
        trigger_of("http", event)
    assert "SECRET" not in str(caught.value)


@pytest.mark.parametrize(
    ("event", "named"),
    [
        (None, "null"),
        ([1], "a list"),
        ("SECRET", "a string"),
        (5, "a number"),
        (1.5, "a number"),
        (True, "a boolean"),
    ],
)
def test_an_event_that_is_no_object_is_refused(event, named):
    assert kind_of(event, SETTINGS) == "unknown"
    with pytest.raises(
        TriggerError,
        match=f"the event is {named}; it must be a JSON object with settings",
    ):
        trigger_of("unknown", event)


@pytest.mark.parametrize(
    "records",
    [
        [],
        None,
        {},
        [1],
        [{"eventSource": "aws:s3"}, {"eventSource": "aws:sqs"}],
        [{"eventSource": "aws:ses"}],
        [{}],
    ],
)
def test_records_that_are_not_of_one_known_kind_are_unknown(records):
    assert kind_of({"Records": records}) == "unknown"


def test_an_event_of_another_schedule_is_unknown():
    assert kind_of({"source": "aws.events", "detail-type": "Something"}) == "unknown"
    own = {"source": "events/", "checkpoint": "x.parquet"}
    assert kind_of(own, ["source", "checkpoint"]) == "direct", (
        "a report may have a setting `source`"
    )
    assert kind_of({"requestContext": {"elb": {}}}) == "unknown"


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ({}, "direct"),
        ({"prefix": ["a list is wrong, and the caller's"]}, "direct"),
        ({"prefx": "a misspelt name"}, "direct"),
        ({"prefx": {"a misspelt name": 1}}, "direct"),
        (
            {"prefix": "p", **{f"unknown_{number}": number for number in range(4_000)}},
            "direct",
        ),
        ({f"unknown_{number}": number for number in range(4_000)}, "unknown"),
        (
            {
                "arguments": {},
                "identity": None,
                "source": None,
                "request": {"headers": {}},
                "info": {},
            },
            "unknown",
        ),
        (
            {
                "RequestType": "Create",
                "ResponseURL": "https://example.com",
                "StackId": "s",
            },
            "unknown",
        ),
        (
            {"Step": "createSecret", "SecretId": "s", "ClientRequestToken": "t"},
            "unknown",
        ),
        ({"CodePipeline.job": {"id": "1"}}, "unknown"),
        ({"records": []}, "unknown"),
        ({"Records": []}, "unknown"),
        ({"temperature": 21.5}, "unknown"),
    ],
)
def test_an_event_is_a_direct_invocation_only_if_its_names_are_those_of_settings(
    event, kind
):
    assert kind_of(event, SETTINGS) == kind


def test_the_function_itself_goes_on():
    event = {
        CONTINUE: {"number": 1, "correlation_id": "c"},
        "settings": {"prefix": "p"},
    }
    trigger = trigger_of(kind_of(event), event)
    assert (trigger.kind, trigger.awaited, trigger.settings) == (
        "continuation",
        False,
        {"prefix": "p"},
    )
    with pytest.raises(TriggerError, match="the settings are a list"):
        trigger_of("continuation", {CONTINUE: {}, "settings": []})


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("direct", "mine"),
        ("sqs-s3", "mine"),
        ("schedule-scheduler", "d167b752-343a-4b28-afd6-d4de056319e8"),
    ],
)
def test_what_ties_logs_together(name, expected):
    event = lambda_event(name)
    assert correlation_id(kind_of(event, SETTINGS), event, "mine") == expected


def test_a_request_has_an_id_and_a_chain_keeps_the_first_ones():
    event = lambda_event("function-url")
    assert correlation_id("http", event, "mine") == event["requestContext"]["requestId"]
    assert (
        correlation_id("continuation", {CONTINUE: {"correlation_id": "c"}}, "mine")
        == "c"
    )
    assert correlation_id("continuation", {CONTINUE: 1}, "mine") == "mine"
    assert correlation_id("map", {MAP: {"correlation_id": "c"}}, "mine") == "c"
    assert correlation_id("map", {MAP: None}, "mine") == "mine"


def test_a_step_of_a_state_machine_has_a_kind_and_no_settings():
    event = {MAP: {"step": "plan"}, "source": "s3://elsewhere"}
    assert kind_of(event, SETTINGS) == "map"
    assert trigger_of("map", event).settings == {}


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "Records",
                    "source",
                    "detail-type",
                    "requestContext",
                    "body",
                    "Event",
                    CONTINUE,
                    "http",
                ]
            )
            | st.text(),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(anything)
def test_any_event_is_something_or_refused(event):
    """Whatever comes is told apart, and made a trigger or refused; nothing else is raised."""
    kind = kind_of(event, SETTINGS)
    assert isinstance(correlation_id(kind, event, "mine"), str)
    try:
        trigger = trigger_of(kind, event)
    except TriggerError:
        return
    assert trigger.awaited == (kind in AWAITED)


def test_an_id_from_outside_is_bounded_and_printable():
    event = {
        "source": "aws.events",
        "detail-type": "Scheduled Event",
        "id": "\ud800" + "x" * 1000,
    }
    found = correlation_id("schedule", event, "mine")
    assert found.startswith("\\ud800xxx")
    assert len(found) == 128
    assert correlation_id("schedule", event | {"id": ["x"]}, "mine") == "mine"


def test_the_records_of_several_files_are_one_trigger():
    trigger = trigger_of_files([FOLDER / "kinesis.json", FOLDER / "kinesis.json"])
    assert (trigger.kind, trigger.names_work, len(trigger.event["Records"])) == (
        "kinesis",
        True,
        4,
    )


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            ["kinesis.json", "sqs-s3.json"],
            "sqs-s3.json: it is of kind sqs, the files before it are of kind kinesis",
        ),
        (
            ["direct.json"],
            "direct.json: it is no event with records; allowed are kinesis, s3, sqs",
        ),
        (["nowhere.json"], "nowhere.json: No such file or directory"),
        (["../s3.py"], "it is not JSON; it must hold an event as a function gets it"),
    ],
)
def test_files_that_hold_no_such_events(names, message):
    with pytest.raises(TriggerError) as caught:
        trigger_of_files([FOLDER / name for name in names])
    assert str(caught.value).endswith(message)


@pytest.mark.parametrize(
    "settings",
    [{"\ud800": 1}, {"source": {"uri": "memory://x", "\udfff": 1}}, {"a": ["\ud800"]}],
)
def test_settings_that_are_not_valid_unicode_are_the_triggers_fault(settings):
    body = {"requestContext": {"http": {}}, "body": json.dumps(settings)}
    for kind, event in (("direct", settings), ("http", body)):
        with pytest.raises(TriggerError, match="half of a surrogate pair"):
            trigger_of(kind, event)
