"""Counting exactly once, by transactions.

An event's marker, the markers of its users and the counters change in one transaction.

A marker can be written once. So whatever happens to a request, an event is counted with
its marker or not at all: when it comes again, when two writers have it at once, when a
process dies, when an answer is lost. The read before the transaction saves work, and
the outcome does not rest on it.
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
"""Items in a transaction. Their 4 MB are never reached: a key has at most 3 KB, and
there is little else.
"""

SECONDS_A_DAY = 86_400


@dataclass(slots=True, repr=False)
class Event:
    """An event to be counted; it is never shown, as keys hold values.

    Attributes:
        marker: Partition key of its marker.
        counters: The distinct counters it is counted in.
        users: The marker of its user within each of these counters, or None where it is
            nobody's.
        source_keys: Where it came from, more than one if it came more than once.
    """

    marker: str
    counters: tuple[Key, ...]
    users: tuple[str | None, ...]
    source_keys: list[str] = field(default_factory=list)

    @property
    def items(self) -> set[object]:
        """What a transaction must hold to count it."""
        return {
            self.marker,
            *self.counters,
            *(user for user in self.users if user is not None),
        }


class Counted(NamedTuple):
    """The outcome of a group of events.

    It says how many were counted that had not been, or why that is not known.
    """

    new: int = 0
    trouble: ServiceError | None = None


def groups(events: Iterable[Event]) -> Iterator[list[Event]]:
    """Groups of events that fit into a transaction each.

    Those of the same counters together, as they share these.
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
    """Counts groups of events in one table.

    Args:
        dynamodb: The client.
        table: Name of the table.
        marker_days: How long markers are kept.
    """

    def __init__(self, dynamodb: Any, table: str, marker_days: float) -> None:
        self._dynamodb, self._table, self._seconds = (
            dynamodb,
            table,
            marker_days * SECONDS_A_DAY,
        )

    def count(self, group: Sequence[Event], attempts: int) -> Counted:
        """Count those of a group that were not counted.

        Args:
            group: Distinct events that fit into a transaction.
            attempts: How often requests may fail, all but one of them.
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
            # Another writer has set one of the markers meanwhile: see which, and make a
            # new transaction.

    def _known(
        self, group: Sequence[Event], patience: Backoff
    ) -> set[str] | ServiceError:
        """Partition keys of the markers that are there."""
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
        """One transaction for all of it."""
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
        """Send a transaction until there is an answer to it.

        It has its token each time, so it takes place once.
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

    The counter is made if it is not there.
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
