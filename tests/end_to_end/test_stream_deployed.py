"""The event processor's packages as a function that a stream of an AWS on loopback invokes."""

import gzip
import json
import random
import time

import pytest

from tests.end_to_end.conftest import HANDLER, build
from tests.plugins.event_processor.simulator import expected
from tests.support import ministack

pytestmark = pytest.mark.slow

EVENTS, POISON = 5_000, 50
KEYS = ("partition_key", "sort_key")


@pytest.fixture(scope="module")
def aws(python):
    with ministack(python=python) as stack:
        yield stack


@pytest.fixture(scope="module")
def stream(aws, python, tmp_path_factory):
    """A stream that invokes the function, with its table, bucket and queue."""
    out = build("event-processor", python, tmp_path_factory.mktemp("events") / "dist")
    s3, functions = aws.s3.client(), aws.client("lambda", read_timeout=120)
    for bucket in ("artifacts", "archive"):
        s3.create_bucket(Bucket=bucket)
    aws.client("dynamodb").create_table(
        TableName="counters",
        KeySchema=[
            {"AttributeName": n, "KeyType": k}
            for n, k in zip(KEYS, ("HASH", "RANGE"), strict=True)
        ],
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"} for name in KEYS
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    queue = aws.client("sqs").create_queue(QueueName="dead")["QueueUrl"]
    kinesis = aws.client("kinesis")
    kinesis.create_stream(StreamName="events", ShardCount=2)
    kinesis.get_waiter("stream_exists").wait(
        StreamName="events", WaiterConfig={"Delay": 1}
    )
    layers = []
    for name in ("powertools-layer", "data-layer"):
        s3.upload_file(str(out / f"{name}.zip"), "artifacts", f"{name}.zip")
        content = {"S3Bucket": "artifacts", "S3Key": f"{name}.zip"}
        layers.append(
            functions.publish_layer_version(LayerName=name, Content=content)[
                "LayerVersionArn"
            ]
        )
    functions.create_function(
        FunctionName="events",
        Runtime=f"python{json.loads((out / 'manifest.json').read_text())['python']}",
        Handler=HANDLER,
        Role="arn:aws:iam::123456789012:role/reporting",
        Code={"ZipFile": (out / "function.zip").read_bytes()},
        Layers=layers,
        Timeout=120,
        MemorySize=1024,
        Environment={
            "Variables": {
                "REPORTING_REPORT": "event-processor",
                "S3_BUCKET": "archive",
                "DYNAMODB_TABLE": "counters",
                "DLQ_URL": queue,
                **aws.s3.environment(),
                "AWS_ENDPOINT_URL": aws.endpoint,
            }
        },
    )
    functions.create_event_source_mapping(
        FunctionName="events",
        EventSourceArn=aws.arn("kinesis", "stream/events"),
        StartingPosition="TRIM_HORIZON",
        BatchSize=500,
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )
    return kinesis, queue


def made(seed):
    """Events, and all that goes on the stream: each event once, and among them what can never succeed."""
    events = [
        {
            "event_id": f"e-{number}",
            "event_type": seed.choice(["click", "view", "purchase"]),
            "user_id": f"u-{seed.randrange(700)}",
            "timestamp": f"2024-01-06T{seed.randrange(20, 23)}:{seed.randrange(60):02}:00Z",
            "experiment_id": seed.choice(["x", "y"]),
            "properties": {"n": number},
        }
        for number in range(EVENTS - POISON)
    ]
    poison = [b'{"event_id": ' + b"%d" % number for number in range(POISON)]
    payloads = [*(json.dumps(each).encode() for each in events), *poison]
    seed.shuffle(payloads)
    return events, payloads


def counters_of(aws):
    pages = aws.client("dynamodb").get_paginator("scan").paginate(TableName="counters")
    return {
        (item["partition_key"]["S"], item["sort_key"]["S"]): (
            int(item["event_count"]["N"]),
            int(item["unique_users"]["N"]),
        )
        for page in pages
        for item in page["Items"]
        if "event_count" in item
    }


def archived_of(aws):
    s3 = aws.s3.client()
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket="archive"):
        for entry in page.get("Contents", []):
            for line in gzip.decompress(
                s3.get_object(Bucket="archive", Key=entry["Key"])["Body"].read()
            ).splitlines():
                yield json.loads(line)["event_id"]


def dead_of(aws, queue):
    client, found = aws.client("sqs"), []
    while got := client.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get(
        "Messages", []
    ):
        found += [json.loads(each["Body"])["origin"] for each in got]
    return found


def test_what_is_put_on_the_stream_is_counted_archived_and_set_aside(aws, stream):
    kinesis, queue = stream
    events, payloads = made(random.Random(5))
    for begin in range(0, len(payloads), 500):
        records = [
            {"Data": payload, "PartitionKey": str(begin + number)}
            for number, payload in enumerate(payloads[begin : begin + 500])
        ]
        assert (
            kinesis.put_records(StreamName="events", Records=records)[
                "FailedRecordCount"
            ]
            == 0
        )
    wanted, deadline = expected(events), time.monotonic() + 180
    while counters_of(aws) != wanted and time.monotonic() < deadline:
        time.sleep(2)
    assert counters_of(aws) == wanted, "\n".join(aws.logs("events")[-20:])
    assert set(archived_of(aws)) == {each["event_id"] for each in events}
    attributes = {"QueueUrl": queue, "AttributeNames": ["ApproximateNumberOfMessages"]}
    number = aws.client("sqs").get_queue_attributes(**attributes)["Attributes"][
        "ApproximateNumberOfMessages"
    ]
    assert int(number) == POISON
    assert len(set(dead_of(aws, queue))) == POISON
    metrics = [json.loads(line) for line in aws.logs("events") if '"_aws"' in line]
    assert sum(each.get("BatchSuccess", [0])[0] for each in metrics) == len(events)
    assert sum(each.get("ParseErrors", [0])[0] for each in metrics) == POISON
