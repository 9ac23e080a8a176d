"""Comparison of the counters with the archive, and their repair."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Any, NamedTuple, NotRequired

import polars as pl
from pydantic import ConfigDict, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from reporting_aws.aws_errors import CONDITION, ServiceError, call
from reporting_aws.clients import client
from reporting_aws.markers import PARTITION_BYTES, SORT_BYTES
from reporting_aws.tables import Backoff, batch_get, failure
from reporting_aws.templates import bounded, expression
from reporting_event_processor.report import counters
from reporting_event_processor.settings import EventProcessorSettings
from reporting_framework import FatalError, LocationError
from reporting_framework.storage import list_keys, open_store, parse_location
from reporting_object_store.ndjson_sink.encoding import lines

KEYS = ("partition_key", "sort_key")
ATTEMPTS = 10
WHO = "counters"
HINT = "it must be the table of the report's counters"

Key = tuple[str, str]


class Archived(TypedDict):
    """Fields of an archived event that are counted; other fields are ignored."""

    __pydantic_config__ = ConfigDict(extra="ignore")  # type: ignore[misc]  # as pydantic has it

    event_id: str
    user_id: str
    event_type: str
    experiment_id: NotRequired[str | None]
    variant: NotRequired[str | None]
    timestamp: str
    source_key: str


SCHEMA = pl.Schema(
    dict.fromkeys(
        Archived.__annotations__.keys() - {"__pydantic_config__"}, pl.String()
    )
)
_read = TypeAdapter(Archived).validator.validate_json


class Difference(NamedTuple):
    """A counter that differs from the archive.

    Attributes:
        partition_key: Partition key of the counter's item.
        sort_key: Sort key of the counter's item.
        event_count: Number of events in the counter.
        archived_events: Number of distinct events in the archive.
        unique_users: Number of users in the counter.
        archived_users: Number of distinct users in the archive; the counter's number if
            users are not counted.
        fixed: True if the counter was set to the archive's numbers.
        why: Reason that a requested repair was not done.
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
        """Both keys of the counter as one text."""
        return f"{self.partition_key} {self.sort_key}"

    @property
    def too_high(self) -> bool:
        """True if more is counted than archived."""
        return (
            self.event_count > self.archived_events
            or self.unique_users > self.archived_users
        )

    @property
    def numbers(self) -> tuple[int, int, int, int]:
        """Events and users, each as counted and as archived."""
        return (
            self.event_count,
            self.archived_events,
            self.unique_users,
            self.archived_users,
        )


def verify(
    settings: EventProcessorSettings,
    days: Sequence[date],
    *,
    fix: bool,
    lower: bool = False,
) -> tuple[int, list[Difference]]:
    """Compare the counters of whole days with the archive.

    Only counters with at least one archived event are compared. Memory grows with the
    number of events of these days.

    Args:
        settings: Settings of the report.
        days: The days, in UTC.
        fix: Set counters that are too low to the archive's numbers. For this the
            archive is read again after the counters, so that it has all events that
            were counted meanwhile. A counter that changes after it was read is not
            repaired.
        lower: Also lower counters that are too high; only safe if no counted event
            still waits to be archived.

    Returns:
        Number of counters compared, and the counters that differ, ordered by key.

    Raises:
        ReportingError: The archive or the counters cannot be read.
    """
    archived = archive_totals(settings, days)
    stored = _stored(settings.dynamodb_table, [*archived.select(KEYS).iter_rows()])
    differences = _differences(settings, archived, stored)
    if differences and fix:
        archived = archive_totals(settings, days)
        unsure = set(archived.filter("repeats").select(KEYS).iter_rows())
        users = settings.delivery == "exactly-once"
        differences = [
            (
                difference._replace(why="event ids repeat with different content")
                if (difference.partition_key, difference.sort_key) in unsure
                else (
                    difference._replace(
                        why="more is counted than archived; use --lower"
                    )
                    if difference.too_high and not lower
                    else _repair(
                        settings.dynamodb_table,
                        difference,
                        stored[difference.partition_key, difference.sort_key],
                        users,
                    )
                )
            )
            for difference in _differences(settings, archived, stored)
        ]
    return archived.height, differences


def archive_totals(
    settings: EventProcessorSettings, days: Sequence[date]
) -> pl.DataFrame:
    """Count the archived events for each counter.

    Of an id that occurs with different contents, the first event of its shard counts,
    within these days.

    Returns:
        Frame with partition_key, sort_key, events, users and repeats, which is true if
        ids repeat with different contents.
    """
    frames = [frame for day in days for frame in _events(settings, day)]
    events = pl.concat([SCHEMA.to_frame(), *frames]).with_columns(
        pl.col("timestamp").str.to_datetime(
            time_unit="us", time_zone="UTC", strict=False
        )
    )
    contents = [name for name in SCHEMA if name != "source_key"]
    events = events.sort("source_key").unique(
        contents, keep="first", maintain_order=True
    )
    repeats = pl.col("event_id").is_in(
        events.filter(pl.col("event_id").is_duplicated())["event_id"].implode()
    )
    counts = []
    for counter in counters(settings):
        keys = [
            expression(counter[key], "timestamp", events.schema, WHO).alias(key)
            for key in KEYS
        ]
        keyed = events.select(
            *keys,
            "user_id",
            repeats.alias("repeats"),
            first=pl.col("event_id").is_first_distinct(),
        )
        counts.append(
            keyed.group_by(KEYS).agg(
                pl.col("first").sum().cast(pl.Int64).alias("events"),
                pl.col("user_id")
                .filter(pl.col("first"))
                .n_unique()
                .cast(pl.Int64)
                .alias("users"),
                pl.col("repeats").any(),
            )
        )
    whole = pl.concat(counts).filter(pl.col("events") > 0)
    return whole.with_columns(
        _bounded("partition_key", PARTITION_BYTES), _bounded("sort_key", SORT_BYTES)
    ).sort(KEYS)


def _bounded(key: str, limit: int) -> pl.Expr:
    return pl.col(key).map_elements(
        partial(bounded, limit=limit), return_dtype=pl.String
    )


def _events(settings: EventProcessorSettings, day: date) -> Iterator[pl.DataFrame]:
    """Yield the archived events of a day, one frame per object.

    Raises:
        FatalError: An object does not have the archive's format.
    """
    folder = (
        f"{settings.archive.rstrip('/')}"
        f"/year={day.year:04}/month={day.month:02}/day={day.day:02}"
    )
    store = open_store(parse_location(folder))
    try:
        for key in list_keys(store):
            if not key.endswith(".ndjson.gz"):
                continue
            try:
                rows = [_read(line) for line in lines(store.get(key).data)]
            except (zlib.error, ValidationError):
                raise FatalError(
                    f"{store.location.join(key).uri}: not an object of the archive;"
                    " move it out of the archive"
                ) from None
            yield pl.DataFrame(rows, schema=SCHEMA)
    except LocationError:
        if store.location.scheme != "file":  # the first object creates a folder
            raise


def _stored(table: str, keys: Sequence[Key]) -> dict[Key, dict[str, int]]:
    """Return the current numbers of counters by their keys.

    A counter that does not exist has no numbers.

    Raises:
        ReportingError: The table cannot be read.
    """
    numbers_by_key: dict[Key, dict[str, int]] = {key: {} for key in keys}
    for begin in range(0, len(keys), 100):
        wanted = [_key(*key) for key in keys[begin : begin + 100]]
        dynamodb = client("dynamodb", attempts=1)
        items = batch_get(
            dynamodb, table, wanted, {"ConsistentRead": True}, Backoff(ATTEMPTS)
        )
        if isinstance(items, ServiceError):
            raise failure(items, WHO, table, HINT)
        for item in items:
            numbers = {
                name: int(value["N"]) for name, value in item.items() if "N" in value
            }
            numbers_by_key[item["partition_key"]["S"], item["sort_key"]["S"]] = numbers
    return numbers_by_key


def _differences(
    settings: EventProcessorSettings,
    archived: pl.DataFrame,
    stored: Mapping[Key, Mapping[str, int]],
) -> list[Difference]:
    users, differences = settings.delivery == "exactly-once", []
    for row in archived.iter_rows(named=True):
        key = row["partition_key"], row["sort_key"]
        counted = stored.get(key)
        if counted is None:  # the counter is new since the archive was first read
            continue
        events, unique = counted.get("event_count", 0), counted.get("unique_users", 0)
        wanted = row["users"] if users else unique
        if (events, unique) != (row["events"], wanted):
            differences.append(Difference(*key, events, row["events"], unique, wanted))
    return differences


def _key(partition: str, sort: str) -> dict[str, Any]:
    return {"partition_key": {"S": partition}, "sort_key": {"S": sort}}


def _repair(
    table: str, difference: Difference, counted: Mapping[str, int], users: bool
) -> Difference:
    """Set the counter to the archive's numbers, unless it has changed meanwhile."""
    wanted = {
        "event_count": difference.archived_events,
        **({"unique_users": difference.archived_users} if users else {}),
    }
    values = {f":{name}": {"N": str(number)} for name, number in wanted.items()}
    values |= {
        f":was_{name}": {"N": str(counted[name])} for name in wanted if name in counted
    }
    conditions = [
        (
            f"#{name} = :was_{name}"
            if name in counted
            else f"attribute_not_exists(#{name})"
        )
        for name in wanted
    ]
    trouble = call(
        client("dynamodb").update_item,
        TableName=table,
        Key=_key(difference.partition_key, difference.sort_key),
        UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in wanted),
        ConditionExpression=" AND ".join(conditions),
        ExpressionAttributeNames={f"#{name}": name for name in wanted},
        ExpressionAttributeValues=values,
    )
    if not isinstance(trouble, ServiceError):
        return difference._replace(fixed=True)
    changed = trouble.code in (CONDITION, "ConditionalCheckFailedException")
    return difference._replace(
        why=(
            "changed meanwhile; run again"
            if changed
            else f"not repaired: {trouble.code}"
        )
    )
