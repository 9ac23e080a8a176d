"""reporting-aws keeps the promises of its roles."""

import base64
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from reporting_aws.counters import DynamoDbCounters
from reporting_aws.enrich import DynamoDbEnrich
from reporting_aws.kinesis import Kinesis
from reporting_aws.sqs import Sqs
from reporting_framework import SOURCE_KEY, Trigger
from reporting_framework.testing import (
    CANARY,
    SinkContract,
    SourceContract,
    TransformContract,
)
from tests.plugins.aws.conftest import make_counters

PAYLOADS = [b'{"note": "%s %d"}' % (CANARY.encode(), number) for number in range(5)]
BEGIN = datetime(2024, 1, 1, 10, tzinfo=UTC)


class TestKinesis(SourceContract):
    plugin = Kinesis

    @pytest.fixture
    def settings(self):
        return {}

    @pytest.fixture
    def records(self, trigger):
        return {
            record["eventID"]: payload
            for record, payload in zip(trigger.event["Records"], PAYLOADS, strict=True)
        }

    @pytest.fixture
    def trigger(self, reporting_event):
        [record, *_] = reporting_event("kinesis")["Records"]
        records = [
            {
                **record,
                "eventID": f"shardId-00000000000{number % 2}:{number:056}",
                "kinesis": {
                    **record["kinesis"],
                    "data": base64.b64encode(payload).decode(),
                },
            }
            for number, payload in enumerate(PAYLOADS)
        ]
        return Trigger("kinesis", {"Records": records}, names_work=True)


class TestSqs(SourceContract):
    plugin = Sqs

    @pytest.fixture
    def settings(self):
        return {}

    @pytest.fixture
    def records(self):
        return {
            f"visit-events:{number}": payload for number, payload in enumerate(PAYLOADS)
        }

    @pytest.fixture
    def trigger(self, reporting_event):
        [message] = reporting_event("sqs-other")["Records"]
        messages = [
            {**message, "messageId": str(number), "body": payload.decode()}
            for number, payload in enumerate(PAYLOADS)
        ]
        return Trigger("sqs", {"Records": messages}, names_work=True)


@pytest.mark.slow
class TestDynamoDbEnrich(TransformContract):
    plugin = DynamoDbEnrich

    @pytest.fixture
    def settings(self):
        lookup = {
            "table": "users",
            "key": {"id": "user_id"},
            "columns": {"age": "age"},
            "types": {"age": "integer"},
        }
        return {
            "lookups": [lookup],
            "cache_seconds": 0,
            "cache_missing_seconds": 0,
            "cache_items": 0,
            "attempts": 2,
        }

    @pytest.fixture
    def frame(self, dynamodb):
        dynamodb.create_table(
            TableName="users",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        for number in range(2):
            dynamodb.put_item(
                TableName="users",
                Item={"id": {"S": f"{CANARY} {number}"}, "age": {"N": str(number)}},
            )
        users = [f"{CANARY} 0", f"{CANARY} 1", f"{CANARY} 2", None, f"{CANARY} 0"]
        return pl.DataFrame(
            {"user_id": users, SOURCE_KEY: [f"{number}.json" for number in range(5)]}
        )

    @pytest.fixture
    def expected(self, frame):
        return frame.with_columns(
            age=pl.Series([0, 1, None, None, 0], dtype=pl.Int64)
        ).select("user_id", "age", SOURCE_KEY)

    @pytest.fixture
    def faults(self, dynamodb_faults):
        return dynamodb_faults


class TestDynamoDbCounters(SinkContract):
    """Counted exactly once."""

    plugin = DynamoDbCounters
    bounded = False
    delivery = "exactly-once"

    @pytest.fixture
    def settings(self):
        counter = {
            "partition_key": "hour#{timestamp:%Y-%m-%d-%H}",
            "sort_key": "type#{event_type}",
        }
        return {
            "table": "counters",
            "counters": [counter],
            "delivery": self.delivery,
            "attempts": 2,
        }

    @pytest.fixture
    def rows(self):
        def made(numbers):
            return pl.DataFrame(
                {
                    "event_id": [f"{CANARY} {number}" for number in numbers],
                    "user_id": [f"{CANARY} {number % 3}" for number in numbers],
                    "event_type": ["view"] * len(numbers),
                    "timestamp": [
                        BEGIN + timedelta(seconds=number) for number in numbers
                    ],
                    SOURCE_KEY: [f"{number}.json" for number in numbers],
                },
                schema_overrides={
                    "event_id": pl.String,
                    "user_id": pl.String,
                    "event_type": pl.String,
                    "timestamp": pl.Datetime("us", "UTC"),
                    SOURCE_KEY: pl.String,
                },
            )

        return made

    @pytest.fixture
    def visible(self, counted):
        def read():
            items = counted.scan(TableName="counters")["Items"]
            found = [
                (
                    item["sort_key"]["S"],
                    int(item["event_count"]["N"]),
                    int(item.get("unique_users", {"N": 0})["N"]),
                )
                for item in items
                if "event_count" in item
            ]
            return pl.DataFrame(
                found, schema=["counter", "events", "users"], orient="row"
            )

        return read

    @pytest.fixture
    def expected(self):
        users = (
            pl.col("user_id").n_unique()
            if self.delivery == "exactly-once"
            else pl.lit(0)
        )
        return lambda frame: frame.group_by(counter="type#" + pl.col("event_type")).agg(
            events=pl.len().cast(pl.Int64), users=users.cast(pl.Int64)
        )

    @pytest.fixture
    def clear(self, dynamodb):
        return lambda: make_counters(dynamodb)

    @pytest.fixture(params=[pytest.param("dynamodb_faults", marks=pytest.mark.slow)])
    def faults(self, request):
        return request.getfixturevalue(request.param)


@pytest.mark.slow
class TestDynamoDbCountersAtLeastOnce(TestDynamoDbCounters):
    """Counted again when it comes again."""

    delivery = "at-least-once"
    idempotent = False
