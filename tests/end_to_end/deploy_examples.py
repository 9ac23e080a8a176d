"""Examples for `hatch run deploy-local`: how each report is deployed and used, and a line of its code to change."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from tests.support import MiniStack

ROOT = Path(__file__).parents[2]

Outputs = Mapping[str, Any]


class Example(NamedTuple):
    """What a report is tried with.

    Attributes:
        variables: Of its root configuration.
        use: Puts events where the report reads them, has them processed, and fails unless the result is right; returns a text.
        line: A file of the report's plugin, a line in it, and the line to put in its place.
        changed: Has the function run once more; returns whether it ran the changed line.
    """

    variables: Mapping[str, Any]
    use: Callable[[MiniStack, Outputs], str]
    line: tuple[str, str, str]
    changed: Callable[[MiniStack, Outputs], bool]


def wait_for(
    found: Callable[[], bool], aws: MiniStack, outputs: Outputs, seconds: float = 120
) -> None:
    """Wait until something is there; fail with the function's log if it is not in time."""
    deadline = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < deadline, "\n".join(
            aws.logs(outputs["function_name"])[-20:]
        )
        time.sleep(1)


# -- event-log-checkpoint ---------------------------------------------------------------------------------------------

VISITS = ROOT / "examples" / "visit-events"


def invoke(aws: MiniStack, outputs: Outputs) -> dict[str, Any]:
    """Invoke the function through its alias and return its answer."""
    done = aws.client("lambda", read_timeout=120).invoke(
        FunctionName=outputs["alias_arn"], Payload=b"{}"
    )
    answer: dict[str, Any] = json.load(done["Payload"])
    lines = "\n".join(aws.logs(outputs["function_name"])[-20:])
    assert "FunctionError" not in done, f"{answer}\n{lines}"
    assert answer["statusCode"] == 200, f"{answer}\n{lines}"
    return answer


def use_visits(aws: MiniStack, outputs: Outputs) -> str:
    """Put the example's files into the source's bucket, run the report, and compare its checkpoint with its answer."""
    client, paths = aws.s3.client(), sorted(VISITS.iterdir())
    for path in paths:
        client.put_object(
            Bucket="visit-events", Key=f"prod/{path.name}", Body=path.read_bytes()
        )
    answer = invoke(aws, outputs)
    body = client.get_object(Bucket="visit-checkpoints", Key="visits/events.parquet")[
        "Body"
    ].read()
    rows = pl.read_parquet(io.BytesIO(body)).height
    # The queue of new objects may have started a run before this one: each event is taken by one of them.
    assert rows == answer["total_events"] == 290, answer
    quarantined = answer["quarantine"]["rows"]
    return f"{len(paths)} objects put; the checkpoint has {rows} rows; {quarantined} records are in quarantine"


# -- event-processor --------------------------------------------------------------------------------------------------

EVENTS = 20


def put_events(aws: MiniStack, outputs: Outputs, *payloads: bytes) -> None:
    """Put records on the stream, and wait until the function has processed a batch after that."""
    before = len(measured(aws, outputs))
    records = [
        {"Data": payload, "PartitionKey": str(number)}
        for number, payload in enumerate(payloads)
    ]
    put = aws.client("kinesis").put_records(
        StreamName=outputs["stream_name"], Records=records
    )
    assert put["FailedRecordCount"] == 0
    wait_for(lambda: len(measured(aws, outputs)) > before, aws, outputs)


def measured(aws: MiniStack, outputs: Outputs) -> list[dict[str, Any]]:
    """Return the metrics of each batch."""
    return [
        json.loads(line)
        for line in aws.logs(outputs["function_name"])
        if '"BatchTime"' in line
    ]


def event(name: str) -> bytes:
    """Make an event."""
    return json.dumps(
        {
            "event_id": name,
            "event_type": "click",
            "user_id": name,
            "timestamp": "2024-01-06T19:01:51Z",
        }
    ).encode()


def use_events(aws: MiniStack, outputs: Outputs) -> str:
    """Put events and a record that is none on the stream; compare counters, archive and dead-letter queue with them."""
    put_events(
        aws, outputs, *(event(f"e-{number}") for number in range(EVENTS)), b"none"
    )
    key = {
        "partition_key": {"S": "exp_none#variant#none#day#2024-01-06"},
        "sort_key": {"S": "event_type#click"},
    }
    table, dynamodb, sqs = (
        outputs["dynamodb_table"],
        aws.client("dynamodb"),
        aws.client("sqs"),
    )

    def counted() -> str:
        item: dict[str, Any] = dynamodb.get_item(TableName=table, Key=key).get(
            "Item", {}
        )
        return str(item.get("event_count", {}).get("N", "0"))

    wait_for(
        lambda: counted() == str(EVENTS), aws, outputs
    )  # records of several shards come in several batches
    url = outputs["records_dead_letter_queue_url"]
    wait_for(
        lambda: bool(
            sqs.receive_message(QueueUrl=url, VisibilityTimeout=0).get("Messages")
        ),
        aws,
        outputs,
    )
    keys = [
        each["Key"]
        for each in aws.s3.client().list_objects_v2(Bucket="event-archive")["Contents"]
    ]
    assert not set("%:") & set("".join(keys)), keys
    return f"{EVENTS} events are counted, in {len(keys)} objects of the archive; 1 record is in the dead-letter queue"


def changed_metric(aws: MiniStack, outputs: Outputs) -> bool:
    """Process one more event."""
    put_events(aws, outputs, event(f"e-{time.time_ns()}"))
    return "Changed" in measured(aws, outputs)[-1]


EXAMPLES = {
    "event-log-checkpoint": Example(
        variables={
            "environment": "dev",
            "region": "us-east-1",
            "source_bucket": "visit-events",
            "prefix": "prod/",
            "checkpoint_bucket": "visit-checkpoints",
            "checkpoint_key": "visits/events.parquet",
            "create_source_bucket": True,
            "create_checkpoint_bucket": True,
            "force_destroy": True,
            "retain_layer_versions": False,
            "notifications": True,
        },
        use=use_visits,
        line=(
            "report.py",
            '"events_failed": result.rejected,',
            '"events_failed": result.rejected, "changed": True,',
        ),
        changed=lambda aws, outputs: invoke(aws, outputs).get("changed") is True,
    ),
    "event-processor": Example(
        variables={
            "environment": "dev",
            "region": "us-east-1",
            "create_stream": True,
            "archive_bucket": "event-archive",
            "create_archive_bucket": True,
            "batching_window_seconds": 1,
            "force_destroy": True,
            "retain_layer_versions": False,
        },
        use=use_events,
        line=("report.py", '"BatchTime": (', '"Changed": (1, "Count"), "BatchTime": ('),
        changed=changed_metric,
    ),
}
