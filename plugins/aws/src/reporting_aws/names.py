"""Names of tables and queues in settings.

Light to import, as the settings of reports need it.
"""

from __future__ import annotations

import re

TABLE_NAME = r"^[A-Za-z0-9_.-]{3,255}$"

_QUEUE = re.compile(r"https?://[^/\s]+/[^/\s]+/[A-Za-z0-9_.-]+/?")


def queue_url(value: str | None) -> str | None:
    """Return the URL of a dead-letter queue; `None` if there is none.

    Raises:
        ValueError: The value is not the URL of a standard queue.
    """
    if value and not _QUEUE.fullmatch(value):
        raise ValueError(
            "not the URL of a queue; use https://sqs.REGION.amazonaws.com/ACCOUNT/NAME"
        )
    if value and value.endswith(".fifo"):
        raise ValueError("a FIFO queue cannot take dead letters; use a standard queue")
    return value or None
