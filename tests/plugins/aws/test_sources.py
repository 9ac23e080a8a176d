"""Records of streams and queues: how they are taken apart, what is set aside, and what must come again."""

import base64
import json
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reporting_aws.dead_letters import BATCH_SIZE
from reporting_aws.kinesis import Kinesis
from reporting_aws.sqs import Sqs
from reporting_framework import (
    FILTERED,
    Permission,
    ReadFailure,
    Rejection,
    Trigger,
    TriggerError,
)
from reporting_framework.execution.progress import CombinedLedger, EmptyLedger
from tests.support import S3Server, lambda_event, moto_server

SHARD = "shardId-000000000000"


@pytest.fixture(scope="session")
def aws() -> Iterator[S3Server]:
    """An AWS on loopback."""
    with moto_server() as server:
        yield server


@pytest.fixture
def queue(aws, monkeypatch):
    """The URL of a fresh queue, and a function that empties it."""
    import boto3

    for name, value in {**aws.environment(), "AWS_ENDPOINT_URL": aws.endpoint}.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("sqs")
    url = client.create_queue(QueueName=f"dead-{id(monkeypatch)}")["QueueUrl"]

    def received():
        found = []
        while got := client.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get(
            "Messages", []
        ):
            found += [json.loads(each["Body"]) for each in got]
            for each in got:
                client.delete_message(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])
        return found

    yield url, received
    client.close()


def kinesis_event(*payloads, shard=SHARD):
    return {
        "Records": [
            {
                "kinesis": {
                    "sequenceNumber": f"{number:056}",
                    "data": base64.b64encode(payload).decode(),
                },
                "eventSource": "aws:kinesis",
                "eventID": f"{shard}:{number:056}",
            }
            for number, payload in enumerate(payloads)
        ]
    }


def source_key(number, shard=SHARD):
    return f"{shard}:{number:056}"


def made(event, kind="kinesis", **more):
    source = {"kinesis": Kinesis, "sqs": Sqs}[kind]
    found = source(source.Settings(**more))
    found.accept_trigger(Trigger(kind, event, names_work=True))
    return found


def planned(source):
    return list(source.plan(CombinedLedger([EmptyLedger()], None)))


def read(source):
    return [
        batch
        for split in planned(source)
        for batch in source.read(json.loads(json.dumps(split.data)) and split)
    ]


def wrong(number, kind="missing", field="user_id"):
    return Rejection(source_key(number), None, kind, field)


def test_records_of_a_stream_by_shard_and_sequence_number():
    source = made(lambda_event("kinesis"))
    [batch] = read(source)
    assert batch.source_keys == [
        f"shardId-000000000006:4959033827149025660855969253836157109592157598913658889{last}"
        for last in (1, 2)
    ]
    assert json.loads(batch.payloads[0])["event_id"] == "e-1"
    assert source.build_response([], []).answer == {"batchItemFailures": []}


def test_messages_of_a_queue_by_queue_and_id():
    source = made(lambda_event("sqs-other"), "sqs")
    [batch] = read(source)
    assert batch.source_keys == ["visit-events:059f36b4-87a3-44ab-83d2-661975975031"]
    assert batch.payloads == [b"Hello from SQS!"]
    failed = source.build_response(
        [ReadFailure(batch.source_keys[0], "x: unavailable")], []
    ).answer
    assert failed == {
        "batchItemFailures": [
            {"itemIdentifier": "059f36b4-87a3-44ab-83d2-661975975031"}
        ]
    }


@pytest.mark.parametrize(
    "event", [{"Records": [{}]}, {"Records": ["x"]}, {"Records": [{"eventID": "a:1"}]}]
)
def test_a_record_that_is_none(event):
    with pytest.raises(
        TriggerError,
        match="source kinesis: a record of the trigger has another form; send",
    ):
        made(event)


def test_without_a_trigger_there_is_nothing_to_do():
    with pytest.raises(
        TriggerError,
        match="source kinesis: there is no trigger with records; pass --events",
    ):
        planned(Kinesis(Kinesis.Settings()))


def test_what_cannot_be_decoded_or_is_too_large_is_rejected():
    event = kinesis_event(b"{}", b"x" * 101)
    event["Records"].append(
        {"eventID": source_key(2), "kinesis": {"data": "no base64!"}}
    )
    [batch] = read(made(event, max_record_bytes=100))
    assert (batch.source_keys, [(each.source_key, each.error_type) for each in batch.rejected]) == (
        [source_key(0)], [(source_key(1), "too_large"), (source_key(2), "undecodable")],
    )  # fmt: skip


def test_splits_are_bounded_and_what_was_not_handed_out_comes_again():
    source = made(kinesis_event(*[b"{}"] * (Kinesis.split_messages + 5)))
    splits = source.plan(CombinedLedger([EmptyLedger()], None))
    assert len(next(splits).data) == Kinesis.split_messages
    assert source.plan_stats().waiting == 5
    assert not source.plan_stats().exhausted
    assert source.build_response([], []).answer == {
        "batchItemFailures": [{"itemIdentifier": f"{Kinesis.split_messages:056}"}]
    }
    assert len(next(splits).data) == 5
    assert source.plan_stats().exhausted
    assert source.build_response([], []).answer == {"batchItemFailures": []}


def test_the_first_that_failed_is_named_and_nothing_behind_it_is_set_aside(queue):
    url, received = queue
    source = made(kinesis_event(*[b'{"n":%d}' % n for n in range(6)]), dead_letters=url)
    planned(source)
    answer = source.build_response(
        [ReadFailure(source_key(3), "x: y"), ReadFailure(source_key(4), "x: y")],
        [wrong(1), wrong(5)],
    ).answer
    assert answer == {"batchItemFailures": [{"itemIdentifier": f"{3:056}"}]}
    assert received() == [
        {
            "origin": source_key(1),
            "error_type": "missing",
            "field": "user_id",
            "payload": '{"n":1}',
            "encoding": "utf-8",
        }
    ]


def test_of_several_shards_each_has_its_first_failure(queue):
    url, received = queue
    event = {
        "Records": [
            *kinesis_event(b"a", b"b")["Records"],
            *kinesis_event(b"c", b"d", shard="two")["Records"],
        ]
    }
    source = made(event, dead_letters=url)
    planned(source)
    other = Rejection(source_key(1, "two"), None, "missing")
    assert source.build_response(
        [ReadFailure(source_key(0), "x")], [wrong(1), other]
    ).answer == {"batchItemFailures": [{"itemIdentifier": f"{0:056}"}]}
    assert [each["origin"] for each in received()] == [source_key(1, "two")]


def test_a_queue_gets_every_failure_and_sets_aside_the_others(queue):
    url, received = queue
    event = lambda_event("sqs-other")
    second = {**event["Records"][0], "messageId": "two"}
    source = made({"Records": [*event["Records"], second]}, "sqs", dead_letters=url)
    planned(source)
    answer = source.build_response(
        [ReadFailure("visit-events:059f36b4-87a3-44ab-83d2-661975975031", "x")],
        [Rejection("visit-events:two", None, "t")],
    ).answer
    assert answer == {
        "batchItemFailures": [
            {"itemIdentifier": "059f36b4-87a3-44ab-83d2-661975975031"}
        ]
    }
    assert [each["payload"] for each in received()] == ["Hello from SQS!"]


def test_without_a_queue_what_can_never_succeed_is_a_failure(caplog):
    source = made(kinesis_event(b"SECRET", b"{}"))
    planned(source)
    assert source.build_response([], [wrong(0)]).answer == {
        "batchItemFailures": [{"itemIdentifier": f"{0:056}"}]
    }
    assert "dead_letters is not set: 1 records" in caplog.text
    assert "SECRET" not in caplog.text


def test_filtered_records_are_handled(caplog):
    source = made(kinesis_event(b"{}"))
    planned(source)
    assert source.build_response([], [wrong(0, FILTERED)]).answer == {
        "batchItemFailures": []
    }


def test_a_queue_that_takes_nothing(aws, queue, caplog):
    source = made(
        kinesis_event(b"SECRET"), dead_letters=f"{aws.endpoint}/123456789012/nowhere"
    )
    planned(source)
    assert source.build_response([], [wrong(0)]).answer == {
        "batchItemFailures": [{"itemIdentifier": f"{0:056}"}]
    }
    assert "dead-letter queue: the request failed: " in caplog.text
    assert "NonExistentQueue" in caplog.text
    assert "SECRET" not in caplog.text


def test_a_queue_that_is_not_reached(queue, monkeypatch, caplog):
    url, _ = queue
    source = made(kinesis_event(b"x"), dead_letters=url)
    planned(source)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    assert source.build_response([], [wrong(0)]).answer == {
        "batchItemFailures": [{"itemIdentifier": f"{0:056}"}]
    }
    assert "EndpointConnectionError" in caplog.text


def test_many_letters_go_in_groups_in_order(queue):
    url, received = queue
    number = 2 * BATCH_SIZE + 3
    source = made(kinesis_event(*[b"%d" % n for n in range(number)]), dead_letters=url)
    planned(source)
    assert source.build_response([], [wrong(n) for n in range(number)]).answer == {
        "batchItemFailures": []
    }
    assert sorted(int(each["payload"]) for each in received()) == list(range(number))


def test_a_payload_that_is_too_long_lies_beside(queue, tmp_path):
    url, received = queue
    payload = bytes(range(256)) * 8
    event = kinesis_event(payload, b"short")
    for _ in range(2):  # a second delivery writes nothing new, and says the same
        source = made(
            event,
            dead_letters=url,
            dead_letter_bytes=1024,
            dead_letter_overflow=str(tmp_path),
        )
        planned(source)
        assert source.build_response([], [wrong(0), wrong(1)]).answer == {
            "batchItemFailures": []
        }
        found = {each["origin"]: each for each in received()}
        [file] = [path for path in tmp_path.iterdir() if not path.name.startswith(".")]
        assert found[source_key(0)]["payload_uri"] == f"{tmp_path}/{file.name}"
        assert found[source_key(0)]["payload_bytes"] == len(payload)
        assert file.read_bytes() == payload
        assert found[source_key(1)]["payload"] == "short"


def test_a_payload_that_is_too_long_with_nowhere_to_go_is_a_failure(
    queue, tmp_path, caplog
):
    url, received = queue
    event = kinesis_event(b"a", b"x" * 2000, b"c")
    source = made(event, dead_letters=url, dead_letter_bytes=1024)
    planned(source)
    assert source.build_response([], [wrong(n) for n in range(3)]).answer == {
        "batchItemFailures": [{"itemIdentifier": f"{1:056}"}]
    }
    assert [each["payload"] for each in received()] == ["a"], (
        "what is behind it comes again"
    )
    assert (
        "dead-letter queue: a record is too long; set dead_letter_overflow"
        in caplog.text
    )
    (tmp_path / "file").write_text("in the way")
    source = made(
        event,
        dead_letters=url,
        dead_letter_bytes=1024,
        dead_letter_overflow=str(tmp_path / "file"),
    )
    planned(source)
    assert source.build_response([], [wrong(1)]).answer == {
        "batchItemFailures": [{"itemIdentifier": f"{1:056}"}]
    }
    assert "could not be written" in caplog.text


@given(st.binary(max_size=60))
@settings(max_examples=200)
def test_a_payload_can_be_restored_to_the_byte(payload):
    from reporting_aws.dead_letters import _encoded

    told = json.loads(json.dumps(_encoded(payload)))
    raw = told["payload"]
    assert (
        raw.encode() if told["encoding"] == "utf-8" else base64.b64decode(raw)
    ) == payload


def test_permissions():
    settings = Kinesis.Settings(
        dead_letters="https://sqs.us-east-1.amazonaws.com/123456789012/dead",
        dead_letter_overflow="s3://big/letters/",
    )
    assert Kinesis.aws_permissions(settings) == [
        Permission(("sqs:SendMessage",), "arn:aws:sqs:*:123456789012:dead"),
        Permission(("s3:GetObject", "s3:PutObject"), "arn:aws:s3:::big/letters/*"),
    ]
    assert Sqs.aws_permissions(Sqs.Settings(dead_letter_overflow="/folder")) == []


@pytest.mark.parametrize(
    "given",
    [{"dead_letters": "arn:aws:sqs:us-east-1:1:x"}, {"dead_letter_overflow": "s3://"}],
)
def test_settings_that_cannot_be(given):
    with pytest.raises(ValueError, match="not the URL of a queue|bucket"):
        Kinesis.Settings(**given)


def test_what_could_not_be_set_aside_counts_as_not_read(queue):
    source = made(kinesis_event(b"a", b"b"))
    planned(source)
    assert source.build_response([], [wrong(1)]).unread == [
        ReadFailure(source_key(1), "kinesis: not set aside")
    ]


@pytest.mark.parametrize("field", ["eventID", "data"])
def test_a_lone_surrogate_is_no_record_of_a_stream(field):
    event = kinesis_event(b"{}")
    if field == "data":
        event["Records"][0]["kinesis"]["data"] = "secret\ud800"
    else:
        event["Records"][0]["eventID"] = "s:\ud800"
    with pytest.raises(
        TriggerError,
        match="source kinesis: a record of the trigger has another form; send",
    ):
        made(event)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://", "not the URL of a queue"),
        (
            "https://sqs.us-east-1.amazonaws.com/1/dead.fifo",
            "a FIFO queue cannot take dead letters",
        ),
    ],
)
def test_queues_that_cannot_be(url, message):
    with pytest.raises(ValueError, match=message):
        Kinesis.Settings(dead_letters=url)
