"""Staging of a batch: its rows as keys of counters and markers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from reporting_aws.counters_settings import DynamoDbCountersSettings
from reporting_aws.markers import (
    PARTITION_BYTES,
    SORT_BYTES,
    Key,
    event_marker,
    sort_key,
    source_key_marker,
    user_marker,
)
from reporting_aws.templates import bounded, expression
from reporting_aws.transactions import Event
from reporting_framework import SOURCE_KEY
from reporting_framework.errors import SettingsError

_SOURCE_KEY, _EVENT, _USER = "origin", "event", "user"


@dataclass(slots=True, repr=False)
class Staged:
    """The rows of a batch as plain data, which can be sent to another process.

    It is never shown, as keys contain values.

    Attributes:
        split: Id of the split.
        part: Number of the batch within the split.
        keys: The distinct counters.
        source_keys: Source key of each row.
        markers: Partition key of each row's marker; empty without markers.
        counters: Positions in `keys` of each row's counters.
        users: Marker of each row's user for each of these counters.
    """

    split: str
    part: int
    keys: list[tuple[str, str]]
    source_keys: list[str]
    markers: list[str]
    counters: list[tuple[int, ...]]
    users: list[tuple[str | None, ...]]

    def events(self) -> Iterator[Event]:
        """Yield the event of each row, in order."""
        keys = [Key(*key) for key in self.keys]
        for number, source_key in enumerate(self.source_keys):
            counters = tuple(keys[at] for at in self.counters[number])
            marker, users = (
                (self.markers[number], self.users[number]) if self.markers else ("", ())
            )
            yield Event(marker, counters, users, [source_key])


class Stager:
    """Builder of keys from columns.

    Args:
        settings: Settings of the sink.
        schema: Schema of the frames.
        who: Name of the sink, for errors.

    Raises:
        SettingsError: A column is missing or has an unsupported type.
    """

    def __init__(
        self, settings: DynamoDbCountersSettings, schema: pl.Schema, who: str
    ) -> None:
        self._marked = settings.delivery == "exactly-once"
        self._number = len(settings.counters)
        self._columns = [pl.col(SOURCE_KEY).alias(_SOURCE_KEY)]
        if not isinstance(schema.get(settings.timestamp), pl.Datetime):
            raise SettingsError(
                f"{who}: timestamp: {settings.timestamp} is not a Datetime column;"
                " name a Datetime column",
                path=("timestamp",),
            )
        if self._marked:
            for name, setting in ((_EVENT, "event_id"), (_USER, "user_id")):
                column = getattr(settings, setting)
                dtype = schema.get(column)
                if dtype is None or not (
                    dtype.is_integer()
                    or isinstance(dtype, (pl.String, pl.Categorical, pl.Enum))
                ):
                    raise SettingsError(
                        f"{who}: {setting}: {column} is not a column of text or"
                        " integers; name such a column",
                        path=(setting,),
                    )
                self._columns.append(pl.col(column).cast(pl.String).alias(name))
        for number, counter in enumerate(settings.counters):
            for name, template in (
                ("partition", counter.partition_key),
                ("sort", counter.sort_key),
            ):
                key_expression = expression(template, settings.timestamp, schema, who)
                self._columns.append(key_expression.alias(f"{name}{number}"))

    def stage(self, frame: pl.DataFrame, split: str, part: int) -> Staged:
        """Convert the rows of a frame to keys."""
        rows = frame.select(self._columns)
        places: dict[tuple[str, str], int] = {}
        keys: list[Key] = []
        counters = [
            self._places(rows, number, places, keys) for number in range(self._number)
        ]
        touched = [
            tuple(dict.fromkeys(row)) for row in zip(*counters, strict=True)
        ]  # an event counts once per item
        source_keys = rows[_SOURCE_KEY].to_list()
        staged = Staged(
            split,
            part,
            [(key.partition, key.sort) for key in keys],
            source_keys,
            [],
            touched,
            [],
        )
        if self._marked:
            staged.markers = [
                source_key_marker(source_key) if event is None else event_marker(event)
                for event, source_key in zip(
                    rows[_EVENT].to_list(), source_keys, strict=True
                )
            ]
            staged.users = [
                tuple(
                    None if user is None else user_marker(keys[at], user) for at in row
                )
                for user, row in zip(rows[_USER].to_list(), touched, strict=True)
            ]
        return staged

    def _places(
        self,
        rows: pl.DataFrame,
        number: int,
        places: dict[tuple[str, str], int],
        keys: list[Key],
    ) -> list[int]:
        """Return the position in `keys` of each row's key of one counter.

        New keys are added to `keys` and `places`.
        """
        numbers: list[int] = []
        for rendered in zip(
            rows[f"partition{number}"].to_list(),
            rows[f"sort{number}"].to_list(),
            strict=True,
        ):
            if rendered not in places:
                partition, sort = rendered
                places[rendered] = len(keys)
                keys.append(
                    Key(
                        bounded(partition, PARTITION_BYTES),
                        bounded(sort_key(sort), SORT_BYTES),
                    )
                )
            numbers.append(places[rendered])
        return numbers
