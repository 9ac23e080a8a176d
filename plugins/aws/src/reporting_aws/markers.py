"""Keys of the markers that say what was counted already.

The markers are in the table of the counters themselves.

They are hashes: spread evenly over the table's partitions, and nobody can read an id in
them. The sort key of a marker is never that of a counter, so that none is mistaken for
the other.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

PARTITION_KEY = "partition_key"
SORT_KEY = "sort_key"
EXPIRES_AT = "expires_at"
MARKER = "marker"

PARTITION_BYTES, SORT_BYTES = 2048, 1024
"""What DynamoDB allows."""


class Key(NamedTuple):
    """The key of a counter."""

    partition: str
    sort: str


def event_marker(event_id: str) -> str:
    """Partition key of the marker of an event."""
    return f"event#{_digest(event_id)}"


def source_key_marker(source_key: str) -> str:
    """Return the partition key of the marker of an event that has no id.

    It is made from the source key, which is the same whenever the event comes again.
    """
    return f"origin#{_digest(source_key)}"


def user_marker(counter: Key, user_id: str) -> str:
    """Partition key of the marker of a user within a counter.

    No key of a counter holds a NUL, so that it parts.
    """
    return f"user#{_digest(chr(0).join((*counter, user_id)))}"


def sort_key(rendered: str) -> str:
    """Return the sort key of a counter, which is never that of a marker.

    The letter m is encoded nowhere else.
    """
    return "%6Darker" if rendered == MARKER else rendered


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
