"""The recorded events are what the tests that use them take them for."""

import base64
import hashlib
import json
import re
from typing import Any
from urllib.parse import unquote_plus

import pytest
from tests.support import lambda_event, lambda_events

SERVICES = {
    "dynamodb-stream": "aws:dynamodb",
    "kinesis": "aws:kinesis",
    "s3-put": "aws:s3",
    "s3-removed": "aws:s3",
    "sns": "aws:sns",
    "sqs-other": "aws:sqs",
    "sqs-s3": "aws:sqs",
}
SOURCES = {
    "s3-eventbridge": "aws.s3",
    "schedule-eventbridge": "aws.events",
    "schedule-scheduler": "aws.scheduler",
    "unknown": "aws.ec2",
}
EVENT_SOURCES = {"amazon-mq": "aws:mq", "documentdb": "aws:docdb", "msk": "aws:kafka"}
FOREIGN = {"cloudwatch-logs", "firehose", "iot", "pipes"}
OTHERS = {
    "api-gateway-v1",
    "api-gateway-v2",
    "direct",
    "direct-empty",
    "function-url",
    "s3-test-event",
}
SETTINGS = ["checkpoint_bucket", "checkpoint_key", "prefix", "source_bucket"]


def test_every_event_is_known_here() -> None:
    assert set(lambda_events()) == {
        *SERVICES,
        *SOURCES,
        *EVENT_SOURCES,
        *FOREIGN,
        *OTHERS,
    }


@pytest.mark.parametrize("name", lambda_events())
def test_the_account_is_made_up(name: str) -> None:
    event = json.dumps(lambda_event(name))
    assert set(re.findall(r'[:"]([0-9]{12})[:"]', event)) <= {"123456789012"}


@pytest.mark.parametrize(("name", "service"), SERVICES.items())
def test_the_records_of_a_service_name_it(name: str, service: str) -> None:
    records = lambda_event(name)["Records"]
    assert {each.get("eventSource") or each["EventSource"] for each in records} == {
        service
    }


@pytest.mark.parametrize(("name", "source"), EVENT_SOURCES.items())
def test_an_event_without_records_names_its_service(name: str, source: str) -> None:
    assert lambda_event(name)["eventSource"] == source


@pytest.mark.parametrize(("name", "source"), SOURCES.items())
def test_the_events_of_eventbridge_name_their_source(name: str, source: str) -> None:
    assert lambda_event(name)["source"] == source


def test_keys_are_encoded_in_notifications_and_not_in_eventbridge() -> None:
    keys = [
        record["s3"]["object"]["key"] for record in lambda_event("s3-put")["Records"]
    ]
    assert [unquote_plus(key).rpartition("/")[0] for key in keys] == [
        "prod/site one",
        "prod/café 100%",
    ]
    assert unquote_plus(keys[1]).endswith("-A+B=1-2.json")
    assert lambda_event("s3-eventbridge")["detail"]["object"]["key"].endswith(
        "-A+B%1.json"
    )


def test_messages_hold_notifications() -> None:
    messages = lambda_event("sqs-s3")["Records"]
    bodies = [json.loads(each["body"]) for each in messages]
    assert [len(each.get("Records", [])) for each in bodies] == [1, 2, 0]
    assert bodies[2] == lambda_event("s3-test-event")
    assert all(
        each["md5OfBody"] == hashlib.md5(each["body"].encode()).hexdigest()
        for each in messages
    )
    [other] = lambda_event("sqs-other")["Records"]
    with pytest.raises(json.JSONDecodeError):
        json.loads(other["body"])


def test_what_is_in_base64_can_be_read() -> None:
    records = lambda_event("kinesis")["Records"]
    assert [
        json.loads(base64.b64decode(each["kinesis"]["data"]))["event_id"]
        for each in records
    ] == ["e-1", "e-2"]


@pytest.mark.parametrize(
    "name", ["direct", "function-url", "api-gateway-v1", "api-gateway-v2"]
)
def test_requests_carry_settings(name: str) -> None:
    event = lambda_event(name)
    body: Any = event if name == "direct" else event["body"]
    if event.get("isBase64Encoded"):
        body = base64.b64decode(body)
    assert sorted(body if name == "direct" else json.loads(body)) == SETTINGS


def test_the_default_payload_of_the_scheduler_has_a_text_for_detail() -> None:
    assert (
        lambda_event("schedule-scheduler")["detail"],
        lambda_event("schedule-eventbridge")["detail"],
    ) == ("{}", {})
