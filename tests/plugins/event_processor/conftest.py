"""An AWS on loopback with the tables, buckets and queues of the report."""

import itertools
import os
from collections.abc import Iterator
from typing import Any, NamedTuple

import boto3
import pytest

from tests.support import S3Server, moto_server

_numbers = itertools.count(1)


class Places(NamedTuple):
    """Where the report works.

    Attributes:
        table: Of the counters.
        bucket: Of the archive.
        queue: URL of the dead-letter queue.
    """

    server: S3Server
    table: str
    bucket: str
    queue: str

    clients: dict[str, Any]

    def client(self, service: str) -> Any:
        if service not in self.clients:
            self.clients[service] = boto3.client(service)
        return self.clients[service]

    def environment(self) -> dict[str, str]:
        return {
            "DYNAMODB_TABLE": self.table,
            "S3_BUCKET": self.bucket,
            "DLQ_URL": self.queue,
        }


@pytest.fixture(scope="session")
def aws_server() -> Iterator[S3Server]:
    with moto_server() as server:
        yield server


@pytest.fixture
def places(aws_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[Places]:
    """Fresh ones; the environment leads to them."""
    for name in [each for each in os.environ if each.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in {
        **aws_server.environment(),
        "AWS_ENDPOINT_URL": aws_server.endpoint,
    }.items():
        monkeypatch.setenv(name, value)
    number = next(_numbers)
    keys = ("partition_key", "sort_key")
    made: dict[str, Any] = {
        name: boto3.client(name) for name in ("dynamodb", "s3", "sqs")
    }
    made["dynamodb"].create_table(
        TableName=f"counters-{number}",
        KeySchema=[
            {"AttributeName": name, "KeyType": kind}
            for name, kind in zip(keys, ("HASH", "RANGE"), strict=True)
        ],
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"} for name in keys
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    made["s3"].create_bucket(Bucket=f"archive-{number}")
    queue = made["sqs"].create_queue(QueueName=f"dead-{number}")["QueueUrl"]
    found = Places(aws_server, f"counters-{number}", f"archive-{number}", queue, made)
    for name, value in found.environment().items():
        monkeypatch.setenv(name, value)
    yield found
    for client in made.values():
        client.close()


def counters_of(places: Places) -> dict[tuple[str, str], tuple[int, int]]:
    """Events and users of every counter, markers left out."""
    pages = (
        places.client("dynamodb").get_paginator("scan").paginate(TableName=places.table)
    )
    return {
        (item["partition_key"]["S"], item["sort_key"]["S"]): (
            int(item["event_count"]["N"]),
            int(item.get("unique_users", {"N": "0"})["N"]),
        )
        for page in pages
        for item in page["Items"]
        if "event_count" in item
    }
