"""The source ``sqs``, of the messages of a queue.

They come as an event source mapping hands them over.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from reporting_aws.push_source import Pushed


class Sqs(Pushed):
    """Messages of a queue.

    The source key is the queue's name and the message's id; the answer names all that
    failed.

    The event source mapping must report batch item failures.
    """

    name: ClassVar[str] = "sqs"
    triggers: ClassVar[frozenset[str]] = frozenset({"sqs"})

    def messages(self, event: Mapping[str, Any]) -> list[tuple[str, str]]:
        """``queue:059f36b4-87a3-44ab-83d2-661975975031``, and the message's body."""
        return [
            (
                f"{record['eventSourceARN'].rpartition(':')[2]}:{record['messageId']}",
                record["body"],
            )
            for record in event["Records"]
        ]

    def response(self, failed: Sequence[str]) -> Any:
        """Every message that failed."""
        return {
            "batchItemFailures": [
                {"itemIdentifier": source_key.rpartition(":")[2]}
                for source_key in failed
            ]
        }
