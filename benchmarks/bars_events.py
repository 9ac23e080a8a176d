"""The bars of the event processor.

They are a large batch in memory, of what others take for it, and a small one in Lambda.
"""

import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import boto3
from benchmarks.bench import Bench, Group, Row, seconds
from benchmarks.measure import Usage, alternate, measure
from tests.support.ministack import ministack

TIMES = 5
RECORDS = 10_000
SCRIPT = Path(__file__).parent / "peers" / "event_batch.py"


def batch(bench: Bench) -> Sequence[Row]:
    """Measure records of 400 bytes on one core.

    They are compared with Powertools' batch processor in two ways and with a bare loop.
    """
    python = str(Path(bench.program[0]).with_name("python"))
    number = RECORDS // bench.scale

    def run(name: str) -> Usage:
        return measure([python, str(SCRIPT), name, str(number)], dict(os.environ))

    names = ("ours", "powertools", "adapter", "bare")
    ours, powertools, adapter, bare = (
        min(float(usage.answer["seconds"]) for usage in usages)
        for usages in alternate(TIMES, *(partial(run, name) for name in names))
    )
    rates = [
        f"{number / seconds:,.0f}" for seconds in (ours, powertools, adapter, bare)
    ]
    what = (
        "decode, validate and archive-encode 10,000 records of 400 bytes, one core:"
        " events a second, of those of"
    )
    return [
        Row(
            "events-powertools",
            f"{what} Powertools' BatchProcessor with a parser model",
            1.5,
            powertools / ours,
            f"{rates[0]} to {rates[1]}",
            at_least=True,
        ),
        Row(
            "events-adapter",
            f"{what} Powertools' BatchProcessor with a TypeAdapter in the handler",
            0.7,
            adapter / ours,
            f"{rates[0]} to {rates[2]}",
            at_least=True,
        ),
        Row(
            "events-bare",
            f"{what} a bare loop (TypeAdapter.validate_json, gzip)",
            0.6,
            bare / ours,
            f"{rates[0]} to {rates[3]}",
            at_least=True,
        ),
    ]


def warm_batch(bench: Bench) -> Sequence[Row]:
    """Measure the handler with 100 events, everything warm.

    The time is what it takes itself, with the waiting for its services left out.
    """
    python = str(Path(bench.program[0]).with_name("python"))
    with ministack() as stack:
        environment = {**stack.s3.environment(), "AWS_ENDPOINT_URL": stack.endpoint}
        places = _places(environment)
        usage = measure(
            [python, "-m", "benchmarks.peers.warm_batch"], environment | places
        )
    seconds_taken, whole = float(usage.answer["seconds"]), float(usage.answer["whole"])
    return [
        Row(
            "events-warm-batch",
            "a batch of 100 events, everything warm: processor time of the handler",
            0.1,
            seconds_taken,
            f"{seconds(seconds_taken)} of {seconds(whole)}; the rest is waiting for the"
            " services",
            unit="s",
        )
    ]


def _places(environment: Mapping[str, str]) -> dict[str, str]:
    """Return settings for a table and a bucket."""
    keys = {"partition_key": "HASH", "sort_key": "RANGE"}
    options = {
        "endpoint_url": environment["AWS_ENDPOINT_URL"],
        "aws_access_key_id": environment["AWS_ACCESS_KEY_ID"],
        "aws_secret_access_key": environment["AWS_SECRET_ACCESS_KEY"],
        "region_name": environment["AWS_REGION"],
    }
    boto3.client("dynamodb", **options).create_table(
        TableName="counters",
        KeySchema=[
            {"AttributeName": name, "KeyType": kind} for name, kind in keys.items()
        ],
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"} for name in keys
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    boto3.client("s3", **options).create_bucket(Bucket="archive")
    return {
        "REPORTING_REPORT": "event-processor",
        "DYNAMODB_TABLE": "counters",
        "S3_BUCKET": "archive",
    }


GROUPS = (
    Group(("events-powertools", "events-adapter", "events-bare"), batch),
    Group(("events-warm-batch",), warm_batch),
)
