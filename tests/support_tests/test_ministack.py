"""What `tests.support.ministack` says of it is so: functions run for real, and events reach them."""

import base64
import json
import os
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.support import MiniStack, MiniStackError, ministack, zipped
from tests.support.ministack import ACCOUNT

pytestmark = pytest.mark.slow

ROLE = f"arn:aws:iam::{ACCOUNT}:role/any"

CODE = """
import json, logging, os, sys, time
import boto3
import first, second, both

def handler(event, context):
    print(json.dumps({"level": "INFO", "event": event}))
    print("on stderr", file=sys.stderr)
    logging.getLogger().warning("by logging")
    sqs = boto3.client("sqs")
    seen = {"arn": context.invoked_function_arn, "event": event}
    sqs.send_message(QueueUrl=sqs.get_queue_url(QueueName="seen")["QueueUrl"], MessageBody=json.dumps(seen))
    if "fail" in event:
        raise LookupError("no such thing")
    time.sleep(event.get("sleep", 0))
    failures = [{"itemIdentifier": each["messageId"]} for each in event.get("Records", []) if each.get("body") == "bad"]
    return {
        "batchItemFailures": failures,
        "layers": [first.x, second.x, both.x],
        "pid": os.getpid(),
        "report": os.environ["REPORT"],
    }
"""


@pytest.fixture(scope="module")
def stack() -> Iterator[MiniStack]:
    with ministack(variables={"LAMBDA_ASYNC_RETRY_BASE_SECONDS": "0.1"}) as running:
        yield running


@pytest.fixture(scope="module")
def function(stack: MiniStack, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a function with two layers, through S3 and directly, and the alias `live`; buckets `code`, `data`."""
    folder = tmp_path_factory.mktemp("packages")
    for place, code in {
        "code/app.py": CODE,
        "one/python/first.py": "x = 1",
        "one/python/both.py": "x = 'one'",
        "two/python/second.py": "x = 2",
        "two/python/both.py": "x = 'two'",
    }.items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_text(code)
    s3, functions = stack.s3.client(), stack.client("lambda")
    for bucket in ("code", "data"):
        s3.create_bucket(Bucket=bucket)
    for name in ("code", "one"):
        s3.put_object(Bucket="code", Key=f"{name}.zip", Body=zipped(folder / name))
    for name in ("seen", "dead"):
        stack.client("sqs").create_queue(QueueName=name)
    layers = [
        functions.publish_layer_version(LayerName=name, Content=content)[
            "LayerVersionArn"
        ]
        for name, content in (
            ("one", {"S3Bucket": "code", "S3Key": "one.zip"}),
            ("two", {"ZipFile": zipped(folder / "two")}),
        )
    ]
    functions.create_function(
        FunctionName="tried",
        Runtime="python3.12",
        Role=ROLE,
        Handler="app.handler",
        Code={"S3Bucket": "code", "S3Key": "code.zip"},
        Layers=layers,
        Timeout=2,
        Environment={"Variables": {"REPORT": "daily"}},
    )
    functions.get_waiter("function_active_v2").wait(
        FunctionName="tried", WaiterConfig={"Delay": 1}
    )
    version = functions.publish_version(FunctionName="tried")["Version"]
    functions.create_alias(FunctionName="tried", Name="live", FunctionVersion=version)
    return "tried"


@pytest.fixture
def live(stack: MiniStack, function: str) -> str:
    """The ARN of the alias; nothing has been seen yet."""
    for name in ("seen", "dead"):
        stack.client("sqs").purge_queue(QueueUrl=queue(stack, name))
    return stack.arn("lambda", f"function:{function}:live")


def queue(stack: MiniStack, name: str) -> str:
    return str(stack.client("sqs").get_queue_url(QueueName=name)["QueueUrl"])


def taken(
    stack: MiniStack, name: str, count: int = 1, within: float = 15.0
) -> list[Any]:
    """So many messages of a queue, and fewer if they do not come in time."""
    sqs, url = stack.client("sqs"), queue(stack, name)
    found: list[Any] = []
    deadline = time.monotonic() + within
    while len(found) < count and time.monotonic() < deadline:
        for message in sqs.receive_message(
            QueueUrl=url, WaitTimeSeconds=1, MaxNumberOfMessages=10
        ).get("Messages", []):
            found.append(message["Body"])
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return found


def seen(stack: MiniStack, count: int = 1, within: float = 15.0) -> list[Any]:
    """The events that have reached the function."""
    return [json.loads(each)["event"] for each in taken(stack, "seen", count, within)]


def test_a_function_has_its_layers_its_environment_and_its_alias(
    stack: MiniStack, live: str
) -> None:
    answers = []
    for qualifier in ("$LATEST", "live", "live"):
        done = stack.client("lambda").invoke(
            FunctionName="tried", Qualifier=qualifier, Payload=b"{}"
        )
        answers.append(json.loads(done["Payload"].read()))
    assert [(each["layers"], each["report"]) for each in answers] == [
        ([1, 2, "two"], "daily")
    ] * 3
    assert answers[1]["pid"] == answers[2]["pid"]  # warm
    assert [
        json.loads(each)["arn"].rpartition(":")[2] for each in taken(stack, "seen", 3)
    ] == [
        "$LATEST",
        "live",
        "live",
    ]


def test_what_it_prints_is_in_the_log_group_and_in_the_answer(
    stack: MiniStack, live: str
) -> None:
    done = stack.client("lambda").invoke(
        FunctionName="tried", Payload=b'{"token": 7}', LogType="Tail"
    )
    lines = ['{"level": "INFO", "event": {"token": 7}}', "on stderr", "by logging"]
    assert base64.b64decode(done["LogResult"]).decode().splitlines() == lines
    logged = stack.logs("tried")
    at = logged.index(lines[0])
    assert logged[at : at + 3] == lines
    assert '{"level": "INFO", "event": {"token": 7}}' in stack.output.read_text()


@pytest.mark.parametrize(
    ("event", "error"),
    [
        (
            {"fail": 1},
            {"errorType": "Runtime.HandlerError", "errorMessage": "no such thing"},
        ),
        (
            {"sleep": 9},
            {
                "errorType": "Sandbox.Timedout",
                "errorMessage": "Task timed out after 2.00 seconds",
            },
        ),
    ],
)
def test_a_failure_is_told(stack: MiniStack, live: str, event: Any, error: Any) -> None:
    done = stack.client("lambda").invoke(
        FunctionName="tried", Payload=json.dumps(event).encode()
    )
    assert (done["FunctionError"], json.loads(done["Payload"].read())) == (
        "Unhandled",
        error,
    )


@pytest.mark.parametrize("place", ["dead-letter queue", "destination"])
def test_an_asynchronous_failure_is_tried_again_and_then_put_aside(
    stack: MiniStack, live: str, place: str
) -> None:
    functions, dead = stack.client("lambda"), stack.arn("sqs", "dead")
    to_queue = place == "dead-letter queue"
    functions.update_function_configuration(
        FunctionName="tried", DeadLetterConfig={"TargetArn": dead if to_queue else ""}
    )
    destination = (
        {} if to_queue else {"DestinationConfig": {"OnFailure": {"Destination": dead}}}
    )
    functions.put_function_event_invoke_config(
        FunctionName="tried", MaximumRetryAttempts=1, **destination
    )
    functions.invoke(
        FunctionName="tried", InvocationType="Event", Payload=b'{"fail": 2}'
    )
    [record] = map(json.loads, taken(stack, "dead"))
    assert record["requestPayload"] == {"fail": 2}
    assert record["responsePayload"]["errorMessage"] == "no such thing"
    assert seen(stack, 2) == [{"fail": 2}] * 2


def test_an_object_put_into_s3_is_notified(stack: MiniStack, live: str) -> None:
    s3 = stack.s3.client()
    rules = {"Key": {"FilterRules": [{"Name": "prefix", "Value": "in/"}]}}
    to_function = {
        "LambdaFunctionArn": live,
        "Events": ["s3:ObjectCreated:*"],
        "Filter": rules,
    }
    s3.put_bucket_notification_configuration(
        Bucket="data",
        NotificationConfiguration={"LambdaFunctionConfigurations": [to_function]},
    )
    for key in ("out/a", "in/a b+c é.json"):
        s3.put_object(Bucket="data", Key=key, Body=b"x")
    s3.put_bucket_notification_configuration(
        Bucket="data", NotificationConfiguration={}
    )
    [event] = seen(stack, 2, within=3)
    [record] = event["Records"]
    assert (record["eventSource"], record["eventName"]) == (
        "aws:s3",
        "ObjectCreated:Put",
    )
    assert record["s3"]["object"]["key"] == "in/a+b%2Bc+%C3%A9.json"


def test_an_object_put_into_s3_is_an_event_of_eventbridge(
    stack: MiniStack, live: str
) -> None:
    s3, events = stack.s3.client(), stack.client("events")
    s3.put_bucket_notification_configuration(
        Bucket="data", NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    events.put_rule(
        Name="put",
        EventPattern=json.dumps(
            {"source": ["aws.s3"], "detail-type": ["Object Created"]}
        ),
    )
    events.put_targets(Rule="put", Targets=[{"Id": "1", "Arn": live}])
    s3.put_object(Bucket="data", Key="a b", Body=b"x")
    s3.put_bucket_notification_configuration(
        Bucket="data", NotificationConfiguration={}
    )
    [event] = seen(stack)
    assert event["detail"]["object"]["key"] == "a b"


def test_messages_of_sqs_are_confirmed_one_by_one(stack: MiniStack, live: str) -> None:
    sqs, s3 = stack.client("sqs"), stack.s3.client()
    redrive = {"deadLetterTargetArn": stack.arn("sqs", "dead"), "maxReceiveCount": 2}
    attributes = {"VisibilityTimeout": "1", "RedrivePolicy": json.dumps(redrive)}
    url = sqs.create_queue(QueueName="in", Attributes=attributes)["QueueUrl"]
    mapped = stack.client("lambda").create_event_source_mapping(
        FunctionName=live,
        EventSourceArn=stack.arn("sqs", "in"),
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )
    s3.put_bucket_notification_configuration(
        Bucket="data",
        NotificationConfiguration={
            "QueueConfigurations": [
                {"QueueArn": stack.arn("sqs", "in"), "Events": ["s3:ObjectCreated:*"]}
            ]
        },
    )
    s3.put_object(Bucket="data", Key="k", Body=b"x")
    sqs.send_message(QueueUrl=url, MessageBody="bad")
    s3.put_bucket_notification_configuration(
        Bucket="data", NotificationConfiguration={}
    )
    assert taken(stack, "dead") == ["bad"]
    bodies = [
        record["body"]
        for event in seen(stack, 99, within=1)
        for record in event["Records"]
    ]
    assert bodies.count("bad") == 2
    notified = [json.loads(body) for body in bodies if body != "bad"]
    assert [
        each.get("Event") or each["Records"][0]["eventName"] for each in notified
    ] == [
        "s3:TestEvent",
        "ObjectCreated:Put",
    ]
    stack.client("lambda").delete_event_source_mapping(UUID=mapped["UUID"])


def test_records_of_kinesis_arrive(stack: MiniStack, live: str) -> None:
    kinesis = stack.client("kinesis")
    kinesis.create_stream(StreamName="stream", ShardCount=1)
    kinesis.get_waiter("stream_exists").wait(
        StreamName="stream", WaiterConfig={"Delay": 1}
    )
    mapped = stack.client("lambda").create_event_source_mapping(
        FunctionName=live,
        EventSourceArn=stack.arn("kinesis", "stream/stream"),
        StartingPosition="TRIM_HORIZON",
    )
    kinesis.put_record(StreamName="stream", PartitionKey="p", Data=b"here")
    [event] = seen(stack)
    assert [base64.b64decode(each["kinesis"]["data"]) for each in event["Records"]] == [
        b"here"
    ]
    stack.client("lambda").delete_event_source_mapping(UUID=mapped["UUID"])


def test_a_schedule_fires_with_its_input_or_the_default_payload(
    stack: MiniStack, live: str
) -> None:
    for name, given in (("with", {"Input": '{"token": 1}'}), ("without", {})):
        stack.client("scheduler").create_schedule(
            Name=name,
            ScheduleExpression="at(2020-01-01T00:00:00)",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={"Arn": live, "RoleArn": ROLE, **given},
        )
    first, second = sorted(seen(stack, 2, within=25), key=len)
    assert first == {"token": 1}
    assert (second["source"], second["resources"]) == (
        "aws.scheduler",
        [stack.arn("scheduler", "schedule/default/without")],
    )


def test_a_rule_fires_every_minute(stack: MiniStack, live: str) -> None:
    events = stack.client("events")
    events.put_rule(Name="minutely", ScheduleExpression="rate(1 minute)")
    events.put_targets(Rule="minutely", Targets=[{"Id": "1", "Arn": live}])
    [event] = seen(stack, within=90)
    events.remove_targets(Rule="minutely", Ids=["1"])
    events.delete_rule(Name="minutely")
    assert (event["source"], event["detail-type"]) == ("aws.events", "Scheduled Event")


def test_a_message_of_sns_and_a_request_to_the_url_arrive(
    stack: MiniStack, live: str
) -> None:
    topic = stack.client("sns").create_topic(Name="topic")["TopicArn"]
    stack.client("sns").subscribe(TopicArn=topic, Protocol="lambda", Endpoint=live)
    stack.client("sns").publish(TopicArn=topic, Message="here")
    [event] = seen(stack)
    assert event["Records"][0]["Sns"]["Message"] == "here"
    url = stack.client("lambda").create_function_url_config(
        FunctionName="tried", AuthType="NONE"
    )["FunctionUrl"]
    headers = {"Host": urlsplit(url).netloc}
    with urllib.request.urlopen(
        urllib.request.Request(f"{stack.endpoint}/path?x=1", b"body", headers)
    ) as answer:
        assert json.load(answer)["report"] == "daily"
    [event] = seen(stack)
    assert (event["version"], event["rawPath"], event["rawQueryString"]) == (
        "2.0",
        "/path",
        "x=1",
    )


def test_nothing_is_left_of_it_even_if_a_function_is_busy(tmp_path: Path) -> None:
    code = "import os, time\ndef handler(event, context):\n    print(os.getpid())\n    time.sleep(60)"
    (tmp_path / "app.py").write_text(code)
    with ministack() as stack:
        functions = stack.client("lambda")
        functions.create_function(
            FunctionName="busy",
            Runtime="python3.12",
            Role=ROLE,
            Handler="app.handler",
            Code={"ZipFile": zipped(tmp_path)},
            Timeout=60,
        )
        functions.get_waiter("function_active_v2").wait(
            FunctionName="busy", WaiterConfig={"Delay": 1}
        )
        functions.invoke(FunctionName="busy", InvocationType="Event")
        deadline = time.monotonic() + 10
        while not (workers := _processes(str(stack.output.parent))):
            assert time.monotonic() < deadline
        folder = stack.output.parent
    assert workers
    deadline = time.monotonic() + 10  # what was killed may take a moment to end
    while _processes(str(folder)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert not folder.exists()


def test_that_it_does_not_start_is_told() -> None:
    told = r"did not start within 10 s; the end of its output:\n(?s:.)*invalid literal for int\(\) .*: 'none'"
    with (
        pytest.raises(MiniStackError, match=told),
        ministack(variables={"GATEWAY_PORT": "none"}, timeout=10),
    ):
        pass


def test_everything_can_be_forgotten() -> None:
    with ministack() as stack:
        stack.s3.client().create_bucket(Bucket="gone")
        stack.reset()
        assert stack.s3.client().list_buckets()["Buckets"] == []


def _processes(text: str) -> list[str]:
    listed = subprocess.run(
        ["ps", "-ewwo", "pid,args"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    return [line for line in listed if f"{text}{os.sep}" in line]
