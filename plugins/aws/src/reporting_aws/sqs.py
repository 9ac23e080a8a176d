"""The source ``sqs``: messages of a queue, delivered by an event source mapping."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from reporting_aws.push_source import Pushed


class Sqs(Pushed):
    """Messages of a queue; the source key is the queue's name and the message's id.

    The answer names all failed messages. The event source mapping must report batch
    item failures.
    """

    name: ClassVar[str] = "sqs"
    triggers: ClassVar[frozenset[str]] = frozenset({"sqs"})

    def messages(self, event: Mapping[str, Any]) -> list[tuple[str, str]]:
        """Return the source key and the body of each message.

        A source key looks like ``queue:059f36b4-87a3-44ab-83d2-661975975031``.
        """
        return [
            (
                f"{record['eventSourceARN'].rpartition(':')[2]}:{record['messageId']}",
                record["body"],
            )
            for record in event["Records"]
        ]

    def response(self, failed: Sequence[str]) -> Any:
        """Return the answer with every failed message."""
        return {
            "batchItemFailures": [
                {"itemIdentifier": source_key.rpartition(":")[2]}
                for source_key in failed
            ]
        }
