"""What tables and queues are called, as settings give them.

Light to import: settings of reports need it.
"""

from __future__ import annotations

import re

TABLE_NAME = r"^[A-Za-z0-9_.-]{3,255}$"

_QUEUE = re.compile(r"https?://[^/\s]+/[^/\s]+/[A-Za-z0-9_.-]+/?")


def queue_url(value: str | None) -> str | None:
    """The URL of a queue for dead letters; None for none.

    Raises:
        ValueError: It is no such URL.
    """
    if value and not _QUEUE.fullmatch(value):
        raise ValueError(
            "a queue is given by its URL, https://sqs.REGION.amazonaws.com/ACCOUNT/NAME"
        )
    if value and value.endswith(".fifo"):
        raise ValueError("a FIFO queue cannot take dead letters; name a standard queue")
    return value or None
