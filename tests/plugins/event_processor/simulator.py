"""A stream as Kinesis delivers it, for one seed: batches that come again, in halves, to a function that dies anywhere.

The rules are those of an event source mapping: the records of a shard come in order; what comes after a record that
failed comes again with it; a batch may be cut in two; one that succeeded may come again, when the function died just
after its last call.
"""

from __future__ import annotations

import base64
import gzip
import itertools
import json
import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import boto3
from moto import mock_aws
from moto.sqs.models import sqs_backends

from reporting_aws import clients, tables
from reporting_event_processor.report import EventProcessor
from reporting_event_processor.settings import EventProcessorSettings
from reporting_framework import ReportingError, StorageUnavailable, Trigger
from reporting_framework.execution.assembly import assemble
from reporting_framework.execution.runner import run
from reporting_framework.registry.registry import Registry, load_plugins
from reporting_framework.registry.reports import composed
from reporting_framework.storage import open_store
from reporting_object_store.ndjson_sink import sink as archive
from tests.plugins.aws.wire import (
    Fault,
    Killed,
    Wire,
    cancel,
    killed_after,
    killed_before,
    lost,
    refused,
    unreachable,
)

KEYS = ("partition_key", "sort_key")
_numbers = itertools.count()
FAULTS: Sequence[Fault] = (
    unreachable,
    lost,
    refused(400, "ThrottlingException"),
    refused(500, "InternalServerError"),
    cancel("TransactionConflict", "None"),
)


class Ended(NamedTuple):
    """What is there when the stream is empty.

    Attributes:
        counters: Events and users by key.
        archived: Ids of the events in the archive.
        dead: Source keys in the dead-letter queue.
        invocations: How often the function was called.
        deaths: How often it died.
    """

    counters: dict[tuple[str, str], tuple[int, int]]
    archived: set[str]
    dead: set[str]
    invocations: int
    deaths: int


class Calls:
    """All calls of an invocation to the outside, counted together: to tables, queues and the archive."""

    def __init__(self, seed: random.Random) -> None:
        self.random = seed
        self.fault: Callable[[str], Fault | None] = lambda service: None

    def wire(self, service: str) -> Wire:
        """What a client's requests go through."""
        wire = Wire()
        wire.fault = lambda number, operation: self.fault(service)
        return wire

    def scheduled(self, troubled: bool) -> None:
        """Say what happens to the calls of the next invocation: mostly nothing, or a death at one, or errors."""
        dies_at = (
            self.random.randrange(14) if troubled and self.random.random() < 0.6 else -1
        )
        death = self.random.choice([killed_before, killed_after])
        rate = self.random.choice([0.0, 0.2, 0.9]) if troubled else 0.0
        away = self.random.choice(["dynamodb", "sqs", "s3", "any"])
        made = 0

        def fault(service: str) -> Fault | None:
            nonlocal made
            made += 1
            if made - 1 == dies_at:
                return death
            if away in (service, "any") and self.random.random() < rate:
                return self.random.choice(FAULTS[: 4 if service == "sqs" else None])
            return None

        self.fault = fault


class Archive:
    """The archive's store with the same faults."""

    def __init__(self, store: Any, calls: Calls) -> None:
        self._store, self._calls = store, calls

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def replace(self, key: str, data: bytes, **more: Any) -> str:
        fault = self._calls.fault("s3")
        if fault is killed_before:
            raise Killed
        if fault not in (None, lost, killed_after):
            raise StorageUnavailable("away")
        version: str = self._store.replace(key, data, **more)
        if fault is killed_after:
            raise Killed
        if fault is lost:
            raise StorageUnavailable("the answer was lost")
        return version


def event_of(number: int, seed: random.Random) -> dict[str, Any]:
    return {
        "event_id": f"e-{number}",
        "event_type": seed.choice(["click", "view"]),
        "user_id": f"u-{seed.randrange(4)}",
        "timestamp": f"2024-01-0{seed.randrange(6, 8)}T{seed.randrange(22, 24)}:05:00Z",
        "experiment_id": seed.choice(["x", "y", None]),
        "properties": {"n": number},
    }


def expected(
    events: Sequence[Mapping[str, Any]],
) -> dict[tuple[str, str], tuple[int, int]]:
    """The counters that distinct events add up to."""
    users: dict[tuple[str, str], list[str]] = defaultdict(list)
    for event in {each["event_id"]: each for each in events}.values():
        day, hour = event["timestamp"][:10], event["timestamp"][:13].replace("T", "-")
        for window in (f"hour#{hour}", f"day#{day}"):
            key = (
                f"exp_{event['experiment_id'] or 'none'}#variant#none#{window}",
                f"event_type#{event['event_type']}",
            )
            users[key].append(event["user_id"])
    return {key: (len(found), len(set(found))) for key, found in users.items()}


class Simulation:
    """One seed."""

    def __init__(self, seed: int, registry: Registry) -> None:
        self.random, self.registry = random.Random(seed), registry
        self.calls = Calls(self.random)
        self.invocations = self.deaths = 0
        count = self.random.randint(6, 24)
        self.events = [event_of(number, self.random) for number in range(count)]
        self.poison: set[str] = set()
        self.shards = self._shards(self.random.randint(1, 3))

    def _shards(self, number: int) -> list[list[dict[str, Any]]]:
        """Records by shard. A producer that retries puts an event twice; some records can never succeed."""
        shards: list[list[dict[str, Any]]] = [[] for _ in range(number)]
        for event in self.events:
            shard = self.random.randrange(number)
            for _ in range(1 + (self.random.random() < 0.15)):
                self._put(shards[shard], shard, json.dumps(event).encode())
            if self.random.random() < 0.15:
                bad = self.random.choice([b"{", b'{"event_id": 1}', b"\xff"])
                self.poison.add(self._put(shards[shard], shard, bad))
        return shards

    def _put(self, records: list[dict[str, Any]], shard: int, payload: bytes) -> str:
        number = f"{shard + 1}{len(records):055}"
        source_key = f"shardId-{shard:012}:{number}"
        data = base64.b64encode(payload).decode()
        records.append(
            {
                "eventSource": "aws:kinesis",
                "eventID": source_key,
                "kinesis": {"sequenceNumber": number, "data": data},
            }
        )
        return source_key

    def run(self) -> Ended:
        """Deliver all of it and see what is there then."""
        with self._aws() as (pipeline, store):
            self.deliver = pipeline
            places = [0] * len(self.shards)
            while any(
                place < len(shard)
                for place, shard in zip(places, self.shards, strict=True)
            ):
                at = self.random.choice(
                    [n for n, shard in enumerate(self.shards) if places[n] < len(shard)]
                )
                batch = self.shards[at][
                    places[at] : places[at] + self.random.randint(1, 10)
                ]
                self._until_done(batch, 0)
                places[at] += len(batch)
            return self._ended(store)

    def _until_done(self, batch: Sequence[Mapping[str, Any]], tries: int) -> None:
        """Deliver a batch until all of it has succeeded, in parts where it fails; after five tries nothing breaks."""
        while batch:
            failed = self._invoked(batch, troubled=tries < 5)
            tries += 1
            if failed is None:  # all of it comes again, perhaps in halves
                if len(batch) > 1 and self.random.random() < 0.5:
                    middle = len(batch) // 2
                    self._until_done(batch[:middle], tries)
                    batch = batch[middle:]
            elif failed:
                batch = batch[
                    [each["kinesis"]["sequenceNumber"] for each in batch].index(
                        failed
                    ) :
                ]
            elif tries < 5 and self.random.random() < 0.2:
                continue
            else:
                return

    def _invoked(
        self, batch: Sequence[Mapping[str, Any]], *, troubled: bool
    ) -> str | None:
        """The sequence number that the function gives back, none, or None where it died or failed."""
        self.invocations += 1
        self.calls.scheduled(troubled)
        try:
            answer = self.deliver({"Records": list(batch)})
        except (Killed, ReportingError):
            self.deaths += 1
            return None
        items = [each["itemIdentifier"] for each in answer["batchItemFailures"]]
        assert len(items) <= 1
        return items[0] if items else ""

    @contextmanager
    def _aws(self) -> Iterator[tuple[Callable[[Any], Any], Any]]:
        with mock_aws():
            clients._clients.clear()
            for service in ("dynamodb", "sqs"):
                boto3.client(service)
            dynamodb, queue = (
                clients.client("dynamodb", attempts=1),
                clients.client("sqs"),
            )
            dynamodb.create_table(
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
            self.url = queue.create_queue(QueueName="dead")["QueueUrl"]
            for service, client in (("dynamodb", dynamodb), ("sqs", queue)):
                client.meta.events.register_first(
                    f"before-send.{service}", self.calls.wire(service)
                )
            uri = f"memory://simulation-{next(_numbers)}/"
            store = open_store(uri)
            settings = EventProcessorSettings(
                dynamodb_table="counters", archive=uri, dead_letter_queue=self.url
            )
            composition = composed(EventProcessor(), settings)
            opened, slept, width = (
                archive.open_store,
                tables._sleep,
                archive.MAX_WORKERS,
            )
            archive.MAX_WORKERS = (
                1  # one after the other, so that a seed is always the same
            )
            archive.open_store = lambda location: Archive(opened(location), self.calls)  # type: ignore[assignment]
            tables._sleep = lambda seconds: None
            lifecycle = self.registry.lifecycle()

            def deliver(event: Any) -> Any:
                trigger = Trigger("kinesis", event, names_work=True)
                pipeline = assemble(
                    "event-processor", composition, self.registry, trigger=trigger
                )
                return run(pipeline, lifecycle=lifecycle).response

            try:
                yield deliver, store
            finally:
                archive.open_store, tables._sleep, archive.MAX_WORKERS = (
                    opened,
                    slept,
                    width,
                )  # type: ignore[assignment]
                clients._clients.clear()

    def _ended(self, store: Any) -> Ended:
        self.calls.fault = lambda service: None
        items = clients.client("dynamodb", attempts=1).scan(TableName="counters")[
            "Items"
        ]
        counters = {
            (each["partition_key"]["S"], each["sort_key"]["S"]): (
                int(each["event_count"]["N"]),
                int(each["unique_users"]["N"]),
            )
            for each in items
            if "event_count" in each
        }
        archived = set()
        for page in store.list():
            for entry in page:
                lines = gzip.decompress(store.get(entry.key).data).splitlines()
                archived |= {json.loads(line)["event_id"] for line in lines}
        backend = sqs_backends["123456789012"]["us-east-1"].queues[
            "dead"
        ]  # receiving from it loses copies
        dead = {json.loads(message.body)["origin"] for message in backend._messages}
        return Ended(counters, archived, dead, self.invocations, self.deaths)


def simulated(seed: int, registry: Registry | None = None) -> tuple[Simulation, Ended]:
    """A seed, played."""
    simulation = Simulation(seed, registry or load_plugins())
    return simulation, simulation.run()
