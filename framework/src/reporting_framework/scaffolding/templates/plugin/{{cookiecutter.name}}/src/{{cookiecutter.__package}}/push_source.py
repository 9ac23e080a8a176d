"""The source: messages of an SQS queue, as an event of AWS Lambda has them. Replace it with yours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from reporting_framework import PushSource
from typing_extensions import override


class QueueMessages(PushSource):
    """Messages of a queue. The response names those that must be delivered again."""

    name: ClassVar[str] = "{{ cookiecutter.name }}"
    triggers: ClassVar[frozenset[str]] = frozenset({"sqs"})

    @override
    def messages(self, event: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
        return [
            (f"{record['eventSourceARN'].rpartition(':')[2]}:{record['messageId']}", record["body"])
            for record in event["Records"]
        ]

    @override
    def response(self, failed: Sequence[str]) -> Any:
        return {"batchItemFailures": [{"itemIdentifier": key.rpartition(":")[2]} for key in failed]}
