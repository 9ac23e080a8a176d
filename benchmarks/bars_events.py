"""The bars of the event processor.

They are a large batch in memory, of what others take for it, and a small one in Lambda.
"""

import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import boto3
from benchmarks.bench import Bench
from benchmarks.measure import PAIRS, Usage, alternate, measure, middle
from benchmarks.rows import Group, Row, compared, seconds
from tests.support.ministack import ministack

RECORDS = 10_000
ROWS = (
    (
        "events-powertools",
        "Powertools' BatchProcessor with a parser model",
        1.5,
    ),
    (
        "events-adapter",
        "Powertools' BatchProcessor with a TypeAdapter in the handler, gzip and garbage"
        " collector as ours",
        1.1,
    ),
    (
        "events-bare",
        "a bare loop (TypeAdapter.validate_json, gzip and garbage collector as ours)",
        0.6,
    ),
)
SCRIPT = Path(__file__).parent / "peers" / "event_batch.py"


def batch(bench: Bench) -> Sequence[Row]:
    """Measure records of 400 bytes on one core.

    They are compared with Powertools' batch processor in two ways and with a bare loop.
    """
    number = RECORDS // bench.scale

    def run(name: str) -> Usage:
        return measure([bench.python, str(SCRIPT), name, str(number)], dict(os.environ))

    names = ("ours", "powertools", "adapter", "bare")
    ours, *others = alternate(PAIRS, *(partial(run, name) for name in names))
    rate = number / middle(ours, "seconds")
    what = (
        f"decode, validate and archive-encode {number:,} records of 400 bytes, one"
        " core: events a second, of those of"
    )
    rows = zip(ROWS, others, strict=True)
    return [
        compared(
            name,
            f"{what} {peer}",
            bound,
            ours,
            usages,
            "seconds",
            at_least=True,
            more=f"{rate:,.0f} to {number / middle(usages, 'seconds'):,.0f} a second",
        )
        for (name, peer, bound), usages in rows
    ]


def warm_batch(bench: Bench) -> Sequence[Row]:
    """Measure the handler with 100 events, everything warm.

    The time is compared with that of its own requests. Its processor time leaves the
    waiting for its services out.
    """
    plan = bench.fresh("batch") / "requests"

    with ministack() as stack:
        environment = {**stack.s3.environment(), "AWS_ENDPOINT_URL": stack.endpoint}

        def run(*words: str) -> Usage:
            stack.reset()
            variables = environment | _places(environment)
            script = [bench.python, "-m", "benchmarks.peers.warm_batch", str(plan)]
            return measure([*script, *words], variables)

        batches, replays = alternate(PAIRS, run, lambda: run("again"))
    processor, whole = middle(batches, "seconds"), middle(batches, "whole")
    requests = batches[-1].answer["requests"]
    return [
        Row(
            "events-warm-batch",
            "a batch of 100 events, everything warm: processor time of the handler",
            0.1,
            processor,
            f"{seconds(processor)} of {seconds(whole)}; the rest is waiting for the"
            " services",
            unit="s",
        ),
        compared(
            "events-warm-requests",
            "a batch of 100 events, everything warm: time, of that of its own requests",
            1.3,
            batches,
            replays,
            "whole",
            more=", ".join(f"{requests[name]} {name}" for name in sorted(requests)),
        ),
    ]


def _places(environment: Mapping[str, str]) -> dict[str, str]:
    """Make a table and a bucket, and return settings for them."""
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
    Group(("events-warm-batch", "events-warm-requests"), warm_batch),
)
