"""Keys of the markers for events and users that were counted.

Markers are items in the table of the counters. Their keys are hashes: they spread
evenly over the table's partitions, and show no id. The sort key of a marker never
equals a counter's, so the two cannot be confused.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

PARTITION_KEY = "partition_key"
SORT_KEY = "sort_key"
EXPIRES_AT = "expires_at"
MARKER = "marker"

PARTITION_BYTES, SORT_BYTES = 2048, 1024
"""Longest keys in DynamoDB, in bytes."""


class Key(NamedTuple):
    """The key of a counter."""

    partition: str
    sort: str


def event_marker(event_id: str) -> str:
    """Return the partition key of an event's marker."""
    return f"event#{_digest(event_id)}"


def source_key_marker(source_key: str) -> str:
    """Return the partition key of the marker of an event without an id.

    It is made from the source key, which is the same at each delivery of the event.
    """
    return f"origin#{_digest(source_key)}"


def user_marker(counter: Key, user_id: str) -> str:
    """Return the partition key of a user's marker within a counter.

    A NUL separates the parts, as no key of a counter contains one.
    """
    return f"user#{_digest(chr(0).join((*counter, user_id)))}"


def sort_key(rendered: str) -> str:
    """Return the sort key of a counter, which never equals a marker's.

    A counter that would have a marker's sort key gets an encoded m, which is encoded
    nowhere else.
    """
    return "%6Darker" if rendered == MARKER else rendered


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
