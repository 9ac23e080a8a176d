"""Folds the archive and compares what it says with the counters."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any, NamedTuple

import polars as pl

from reporting_aws.clients import client
from reporting_aws.markers import PARTITION_BYTES, SORT_BYTES
from reporting_aws.templates import bounded, expression
from reporting_event_processor.report import counters
from reporting_event_processor.settings import EventProcessorSettings
from reporting_framework import LocationError
from reporting_framework.storage import open_store, parse_location

SCHEMA = pl.Schema(
    {
        "event_id": pl.String(),
        "user_id": pl.String(),
        "event_type": pl.String(),
        "experiment_id": pl.String(),
        "variant": pl.String(),
        "timestamp": pl.String(),
    }
)
"""What of an archived event counts."""

KEYS = ("partition_key", "sort_key")


class Difference(NamedTuple):
    """A counter that is not what the archive says.

    Attributes:
        partition_key: Of the counter's item.
        sort_key: The same.
        event_count: Events that the counter has.
        archived_events: Distinct events that the archive has.
        unique_users: Users that the counter has.
        archived_users: Distinct users that the archive has; as the counter, where users are not counted.
        fixed: Whether it was set to what the archive says.
        why: Why not, where that was asked for.
    """

    partition_key: str
    sort_key: str
    event_count: int
    archived_events: int
    unique_users: int
    archived_users: int
    fixed: bool = False
    why: str = ""

    @property
    def name(self) -> str:
        """The counter's keys in one."""
        return f"{self.partition_key} {self.sort_key}"

    @property
    def numbers(self) -> tuple[int, int, int, int]:
        """Events and users, each as counted and as archived."""
        return self.event_count, self.archived_events, self.unique_users, self.archived_users


def reconcile(settings: EventProcessorSettings, days: Sequence[date], *, fix: bool) -> tuple[int, list[Difference]]:
    """Compare the counters of whole days with what the archive has of them.

    Only counters of which the archive has an event are compared. Memory grows with the number of events of these days.

    Args:
        settings: The report's.
        days: The days, in UTC.
        fix: Set counters that differ to what the archive says, unless they change at that moment.

    Returns:
        How many counters were compared, and those that differ, in the order of their keys.

    Raises:
        ReportingError: The archive cannot be read.
    """
    archived = folded(settings, days)
    users = settings.delivery == "exactly-once"
    found: list[Difference] = []
    for part in archived.iter_slices(100):
        rows = part.to_dicts()
        stored = _stored(settings.dynamodb_table, rows)
        for row in rows:
            counted = stored.get((row["partition_key"], row["sort_key"]), {})
            events, unique = counted.get("event_count", 0), counted.get("unique_users", 0)
            wanted = row["users"] if users else unique
            if (events, unique) != (row["events"], wanted):
                keys = row["partition_key"], row["sort_key"]
                difference = Difference(*keys, events, row["events"], unique, wanted)
                found.append(_fixed(settings.dynamodb_table, difference, counted, users) if fix else difference)
    return archived.height, found


def folded(settings: EventProcessorSettings, days: Sequence[date]) -> pl.DataFrame:
    """Distinct events and users of each counter, as the archive has them: partition_key, sort_key, events, users."""
    frames = [frame for day in days for frame in _events(settings, day)]
    events = pl.concat([SCHEMA.to_frame(), *frames]).with_columns(
        pl.col("timestamp").str.to_datetime(time_unit="us", time_zone="UTC", strict=False)
    )
    events = events.sort("timestamp", maintain_order=True).unique("event_id", keep="first", maintain_order=True)
    counts = []
    for each in counters(settings):
        made = [expression(each[key], "timestamp", events.schema, "reconcile").alias(key) for key in KEYS]
        keyed = events.select(*made, "user_id")
        counts.append(
            keyed.group_by(KEYS).agg(
                pl.len().cast(pl.Int64).alias("events"), pl.col("user_id").n_unique().cast(pl.Int64).alias("users")
            )
        )
    whole = pl.concat(counts).with_columns(_bounded("partition_key", PARTITION_BYTES), _bounded("sort_key", SORT_BYTES))
    return whole.sort(KEYS)


def _bounded(key: str, limit: int) -> pl.Expr:
    return pl.col(key).map_elements(partial(bounded, limit=limit), return_dtype=pl.String)


def _events(settings: EventProcessorSettings, day: date) -> Iterator[pl.DataFrame]:
    """The archived events of a day, object by object."""
    folder = f"{settings.archive.rstrip('/')}/{day:year=%Y/month=%m/day=%d}"
    store = open_store(parse_location(folder))
    try:
        for page in store.list():
            for entry in page:
                lines = gzip.decompress(store.get(entry.key).data)
                yield pl.read_ndjson(io.BytesIO(lines), schema=SCHEMA)
    except LocationError:
        if store.location.scheme != "file":  # a folder is made with its first object
            raise


def _stored(table: str, rows: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], dict[str, int]]:
    """Counters by their keys, as they are now."""
    wanted = {table: {"Keys": [{key: {"S": row[key]} for key in KEYS} for row in rows], "ConsistentRead": True}}
    found: dict[tuple[str, str], dict[str, int]] = {}
    while wanted:
        answer = client("dynamodb").batch_get_item(RequestItems=wanted)
        for item in answer["Responses"].get(table, []):
            numbers = {name: int(value["N"]) for name, value in item.items() if "N" in value}
            found[item["partition_key"]["S"], item["sort_key"]["S"]] = numbers
        wanted = answer.get("UnprocessedKeys") or {}
    return found


def _fixed(table: str, difference: Difference, counted: Mapping[str, int], users: bool) -> Difference:
    """The difference, repaired if the counter is still as it was read."""
    dynamodb = client("dynamodb")
    wanted = {
        "event_count": difference.archived_events,
        **({"unique_users": difference.archived_users} if users else {}),
    }
    names = {f"#{name}": name for name in wanted}
    values = {f":{name}": {"N": str(number)} for name, number in wanted.items()}
    values |= {f":was_{name}": {"N": str(counted[name])} for name in wanted if name in counted}
    conditions = [f"#{name} = :was_{name}" if name in counted else f"attribute_not_exists(#{name})" for name in wanted]
    try:
        dynamodb.update_item(
            TableName=table,
            Key={key: {"S": getattr(difference, key)} for key in KEYS},
            UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in wanted),
            ConditionExpression=" AND ".join(conditions),
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=values,
        )
    except dynamodb.exceptions.ConditionalCheckFailedException:
        return difference._replace(why="changed meanwhile; run again")
    return difference._replace(fixed=True)
