"""Decoding, validation and archive encoding of the records of a stream.

There are four ways: ours, Powertools' batch processor twice, and a bare loop.

Run by the interpreter that the framework is installed for: `event_batch.py
ours|powertools|adapter|bare RECORDS`. Prints the processor time of a round, the median
of several, imports and set-up left out, and how many events there were.

The adapter and the bare loop compress as our archive does, with ISA-L at the same
level, and all four let the garbage collector run as seldom.
"""

import base64
import gzip
import json
import os
import random
import sys
import time
from collections.abc import Callable
from datetime import datetime
from statistics import median
from typing import Any

os.environ["POLARS_MAX_THREADS"] = "1"  # one core, as the others

ROUNDS = 7
IN_A_FILE = 1000
LEVEL = 1
GZIP = 31
"""zlib's number for gzip with a header that has neither a time nor a name."""


def records(number: int, hours: int = 24) -> list[dict[str, Any]]:
    """Return records of about 400 bytes, spread over some hours."""
    seed = random.Random(1)
    batches = []
    for at in range(number):
        event = {
            "event_id": f"{seed.getrandbits(128):032x}",
            "event_type": seed.choice(["page_view", "click", "purchase"]),
            "user_id": f"user-{seed.randrange(10**6)}",
            "timestamp": (
                f"2024-01-06T{seed.randrange(hours):02}:{seed.randrange(60):02}:{seed.randrange(60):02}Z"
            ),
            "experiment_id": f"exp-{seed.randrange(5)}",
            "properties": {
                "page": f"/products/{seed.randrange(10**4)}",
                "price": seed.random(),
                "tags": ["a", "b", "c"],
            },
            "metadata": {
                "sdk": "web-2.1.0",
                "session": f"{seed.getrandbits(64):016x}",
                "agent": "Mozilla/5.0 (X11) " * 3,
            },
        }
        data = json.dumps(event).encode()
        number_ = f"{at:056}"
        batches.append(
            {
                "kinesis": {
                    "kinesisSchemaVersion": "1.0",
                    "partitionKey": "p",
                    "sequenceNumber": number_,
                    "data": base64.b64encode(data).decode(),
                    "approximateArrivalTimestamp": 1704567711.987,
                },
                "eventSource": "aws:kinesis",
                "eventVersion": "1.0",
                "eventID": f"shardId-000000000000:{number_}",
                "eventName": "aws:kinesis:record",
                "invokeIdentityArn": "arn:aws:iam::123456789012:role/r",
                "awsRegion": "us-east-1",
                "eventSourceARN": "arn:aws:kinesis:us-east-1:123456789012:stream/s",
            }
        )
    return batches


def ours(event_records: list[dict[str, Any]]) -> Callable[[], int]:
    """Return a run of the report's source, validator and archive, in memory."""
    from reporting_aws.kinesis import Kinesis
    from reporting_event_processor.validator import ExperimentEventValidator
    from reporting_framework import Trigger
    from reporting_framework.execution.progress import CombinedLedger, EmptyLedger
    from reporting_object_store.ndjson_sink.sink import NdjsonArchive

    validator = ExperimentEventValidator(ExperimentEventValidator.Settings())
    settings = NdjsonArchive.Settings(
        uri="memory://bench", partition="all", json_columns=("properties", "metadata")
    )

    def work() -> int:
        source = Kinesis(Kinesis.Settings())
        source.accept_trigger(
            Trigger("kinesis", {"Records": event_records}, names_work=True)
        )
        sink = NdjsonArchive(settings)
        sink.open(validator.schema)
        staged_parts = []
        for split in source.plan(CombinedLedger([EmptyLedger()], None)):
            for part, batch in enumerate(source.read(split)):
                staged_parts.append(
                    sink.stage(validator.validate(batch).frame, split, part)
                )
        return sum(output.rows for output in sink.commit(staged_parts).outputs)

    return work


def _compress(lines: list[bytes]) -> bytes:
    """Make a file of the payloads, as the archive does."""
    from isal import isal_zlib

    return isal_zlib.compress(b"\n".join(lines), LEVEL, GZIP)


def powertools(event_records: list[dict[str, Any]]) -> Callable[[], int]:
    """Prepare Powertools' `BatchProcessor` with a parser model, and gzip.

    This is as its documentation has it.
    """
    from aws_lambda_powertools.utilities.batch import (
        BatchProcessor,
        EventType,
        process_partial_response,
    )
    from aws_lambda_powertools.utilities.parser.models import (
        KinesisDataStreamRecord,
        KinesisDataStreamRecordPayload,
    )
    from aws_lambda_powertools.utilities.parser.types import Json
    from aws_lambda_powertools.utilities.typing import LambdaContext
    from pydantic import BaseModel

    class Event(BaseModel):
        event_id: str
        event_type: str
        user_id: str
        timestamp: datetime
        experiment_id: str | None = None
        properties: dict[str, Any] | None = None
        metadata: dict[str, Any] | None = None

    class Payload(KinesisDataStreamRecordPayload):
        data: Json[Event]

    class Record(KinesisDataStreamRecord):
        kinesis: Payload

    def work() -> int:
        lines: list[str] = []

        def handle(record: Record) -> None:
            lines.append(record.kinesis.data.model_dump_json(exclude_none=True))

        processor = BatchProcessor(
            event_type=EventType.KinesisDataStreams, model=Record
        )
        answer = process_partial_response(
            {"Records": event_records}, handle, processor, LambdaContext()
        )
        assert answer == {"batchItemFailures": []}
        for begin in range(0, len(lines), IN_A_FILE):
            gzip.compress("\n".join(lines[begin : begin + IN_A_FILE]).encode(), 1)
        return len(lines)

    return work


def adapter(event_records: list[dict[str, Any]]) -> Callable[[], int]:
    """Prepare Powertools' `BatchProcessor` for speed.

    It has `TypeAdapter` in the handler, and gzip of the payloads as they came.
    """
    from aws_lambda_powertools.utilities.batch import (
        BatchProcessor,
        EventType,
        process_partial_response,
    )
    from aws_lambda_powertools.utilities.data_classes.kinesis_stream_event import (
        KinesisStreamRecord,
    )
    from aws_lambda_powertools.utilities.typing import LambdaContext
    from pydantic import TypeAdapter

    from reporting_event_processor.models import ExperimentEvent

    events = TypeAdapter(ExperimentEvent)
    processor = BatchProcessor(event_type=EventType.KinesisDataStreams)

    def work() -> int:
        lines: list[bytes] = []

        def handle(record: KinesisStreamRecord) -> None:
            payload = record.kinesis.data_as_bytes()
            events.validate_json(payload)
            lines.append(payload)

        answer = process_partial_response(
            {"Records": event_records}, handle, processor, LambdaContext()
        )
        assert answer == {"batchItemFailures": []}
        for begin in range(0, len(lines), IN_A_FILE):
            _compress(lines[begin : begin + IN_A_FILE])
        return len(lines)

    return work


def bare(event_records: list[dict[str, Any]]) -> Callable[[], int]:
    """Base64, `TypeAdapter.validate_json`, and gzip of the payloads as they came."""
    from pydantic import TypeAdapter

    from reporting_event_processor.models import ExperimentEvent

    adapter = TypeAdapter(ExperimentEvent)

    def work() -> int:
        lines = []
        for record in event_records:
            payload = base64.b64decode(record["kinesis"]["data"])
            adapter.validate_json(payload)
            lines.append(payload)
        for begin in range(0, len(lines), IN_A_FILE):
            _compress(lines[begin : begin + IN_A_FILE])
        return len(lines)

    return work


def main() -> None:
    """Measure one of them."""
    from reporting_framework._text.gc_tuning import tune_gc

    tune_gc()  # as in a function of ours
    event_records = records(int(sys.argv[2]))
    work = {"ours": ours, "powertools": powertools, "adapter": adapter, "bare": bare}[
        sys.argv[1]
    ](event_records)
    work()
    taken = []
    for _ in range(ROUNDS):
        began = time.process_time()
        done = work()
        taken.append(time.process_time() - began)
    print(json.dumps({"seconds": median(taken), "events": done}))


if __name__ == "__main__":
    main()
