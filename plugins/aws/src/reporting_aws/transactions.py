"""Exactly-once counting with transactions.

An event's marker, the markers of its users and the counters change in one transaction.

A marker can be written only once. Whatever happens to a request, an event is counted
together with its marker or not at all: after a redelivery, with two concurrent writers,
a killed process or a lost answer. The read before the transaction only saves work; the
result does not depend on it.
"""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from reporting_aws.aws_errors import CONDITION, ServiceError, call
from reporting_aws.markers import EXPIRES_AT, MARKER, PARTITION_KEY, SORT_KEY, Key
from reporting_aws.tables import Backoff, batch_get

MAX_ITEMS = 100
"""Most items in a transaction. DynamoDB's limit of 4 MB is never reached, as a key has
at most 3 KB and an item little else.
"""

SECONDS_A_DAY = 86_400


@dataclass(slots=True, repr=False)
class Event:
    """An event to be counted; never shown, as keys contain values.

    Attributes:
        marker: Partition key of its marker.
        counters: The distinct counters that it is counted in.
        users: Marker of its user for each of these counters, or `None` without a user.
        source_keys: Source keys of the event, several if it was delivered more than
            once.
    """

    marker: str
    counters: tuple[Key, ...]
    users: tuple[str | None, ...]
    source_keys: list[str] = field(default_factory=list)

    @property
    def items(self) -> set[object]:
        """Items of a transaction that counts the event."""
        return {
            self.marker,
            *self.counters,
            *(user for user in self.users if user is not None),
        }


class Counted(NamedTuple):
    """Result of a group of events: the number of new events, or the error."""

    new: int = 0
    trouble: ServiceError | None = None


def groups(events: Iterable[Event]) -> Iterator[list[Event]]:
    """Yield groups of events that each fit into a transaction.

    Events with the same counters are in one group, as they share the counters' items.
    """
    group: list[Event] = []
    held: set[object] = set()
    for event in sorted(events, key=lambda event: event.counters):
        items = event.items
        if len(held | items) > MAX_ITEMS:
            yield group
            group, held = [], set()
        group.append(event)
        held |= items
    if group:
        yield group


class Transactions:
    """Writer that counts groups of events in one table.

    Args:
        dynamodb: The client.
        table: Name of the table.
        marker_days: Days that markers are kept.
    """

    def __init__(self, dynamodb: Any, table: str, marker_days: float) -> None:
        self._dynamodb, self._table, self._seconds = (
            dynamodb,
            table,
            marker_days * SECONDS_A_DAY,
        )

    def count(self, group: Sequence[Event], attempts: int) -> Counted:
        """Count the events of a group that were not counted before.

        Args:
            group: Distinct events that fit into a transaction.
            attempts: Number of attempts; all but one may fail.
        """
        patience = Backoff(attempts)
        while True:
            known = self._known(group, patience)
            if isinstance(known, ServiceError):
                return Counted(trouble=known)
            fresh = [event for event in group if event.marker not in known]
            if not fresh:
                return Counted()
            trouble = self._write(self._request(fresh, known), patience)
            if trouble is None:
                return Counted(len(fresh))
            if trouble.code != CONDITION or not patience.again():
                return Counted(trouble=trouble)
            # Another writer has set one of the markers meanwhile: read them again, and
            # build a new transaction.

    def _known(
        self, group: Sequence[Event], patience: Backoff
    ) -> set[str] | ServiceError:
        """Return the partition keys of the existing markers."""
        markers = [event.marker for event in group]
        markers += dict.fromkeys(
            user for event in group for user in event.users if user is not None
        )
        items = batch_get(
            self._dynamodb,
            self._table,
            [_marker(marker) for marker in markers],
            {"ConsistentRead": True, "ProjectionExpression": PARTITION_KEY},
            patience,
        )
        return (
            items
            if isinstance(items, ServiceError)
            else {item[PARTITION_KEY]["S"] for item in items}
        )

    def _request(self, fresh: Sequence[Event], known: set[str]) -> dict[str, Any]:
        """Return one transaction that counts all these events."""
        users = {
            user: counter
            for event in fresh
            for counter, user in zip(event.counters, event.users, strict=True)
            if user is not None and user not in known
        }
        unique = Counter(users.values())
        counted = Counter(counter for event in fresh for counter in event.counters)
        expires = str(int(time.time() + self._seconds))
        items = [
            {"Put": self._put(marker, expires)}
            for marker in (*(event.marker for event in fresh), *users)
        ]
        items += [
            {
                "Update": update(
                    self._table,
                    counter,
                    event_count=number,
                    unique_users=unique[counter],
                )
            }
            for counter, number in sorted(counted.items())
        ]
        return {"TransactItems": items, "ClientRequestToken": str(uuid.uuid4())}

    def _write(self, request: dict[str, Any], patience: Backoff) -> ServiceError | None:
        """Send a transaction until it is answered.

        Each attempt has the same token, so the transaction takes place once.
        """
        while True:
            response = call(self._dynamodb.transact_write_items, **request)
            if not isinstance(response, ServiceError):
                return None
            if (
                response.code == CONDITION
                or not response.passes
                or not patience.again()
            ):
                return response

    def _put(self, marker: str, expires: str) -> dict[str, Any]:
        return {
            "TableName": self._table,
            "Item": {**_marker(marker), EXPIRES_AT: {"N": expires}},
            "ConditionExpression": f"attribute_not_exists({PARTITION_KEY})",
        }


def update(table: str, counter: Key, **numbers: int) -> dict[str, Any]:
    """Return the request that adds numbers to attributes of a counter.

    DynamoDB creates the counter if it does not exist.
    """
    return {
        "TableName": table,
        "Key": {PARTITION_KEY: {"S": counter.partition}, SORT_KEY: {"S": counter.sort}},
        "UpdateExpression": "ADD " + ", ".join(f"{name} :{name}" for name in numbers),
        "ExpressionAttributeValues": {
            f":{name}": {"N": str(number)} for name, number in numbers.items()
        },
    }


def _marker(marker: str) -> dict[str, Any]:
    return {PARTITION_KEY: {"S": marker}, SORT_KEY: {"S": MARKER}}
