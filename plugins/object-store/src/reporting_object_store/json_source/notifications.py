"""Notifications of new objects by S3, and the answer to them.

They arrive directly, in messages of a queue, or from EventBridge.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

from reporting_framework import (
    ReadFailure,
    Trigger,
    TriggerError,
    TriggerResponse,
    object_of,
)
from reporting_framework.storage import Location

_log = logging.getLogger(__name__)

KINDS = frozenset({"s3", "sqs"})


class Message(NamedTuple):
    """Objects named by one notification or one message of a queue.

    Attributes:
        id: Id of the message in its queue, or `None`.
        objects: Bucket and key of each created object.
        valid: True if it is a notification of S3.
    """

    id: str | None
    objects: Sequence[tuple[str, str]] = ()
    valid: bool = True


def messages(trigger: Trigger) -> list[Message]:
    """Return the messages of a trigger of kind ``s3`` or ``sqs``.

    Raises:
        TriggerError: A notification without a queue is not from S3, or a record is not
            a message of a queue.
    """
    if trigger.kind == "sqs":
        try:
            return [_queued(record) for record in trigger.event["Records"]]
        except (AttributeError, KeyError, TypeError):
            raise TriggerError(
                "trigger: a record is not a message of a queue; send SQS messages"
            ) from None
    objects = _objects(trigger.event)
    if objects is None:
        raise TriggerError(
            "trigger: the S3 notification names no bucket or no object; send S3 events"
        )
    return [Message(None, objects)]


def _queued(record: Mapping[str, Any]) -> Message:
    """Return the message of a queue.

    An invalid message stays in its queue, which finally moves it to its dead-letter
    queue.
    """
    identifier = str(record["messageId"])
    try:
        objects = _objects(json.loads(record["body"]))
    except (KeyError, TypeError, ValueError, RecursionError):
        objects = None
    return (
        Message(identifier, valid=False)
        if objects is None
        else Message(identifier, objects)
    )


def _objects(event: Any) -> list[tuple[str, str]] | None:
    """Return the created objects that a notification names.

    `None` if the event is not a notification.
    """
    try:
        if event.get("Event") == "s3:TestEvent":
            return []
        if event.get("source") == "aws.s3":
            created = event["detail-type"] == "Object Created"
            detail = event["detail"]
            return (
                [(str(detail["bucket"]["name"]), str(detail["object"]["key"]))]
                if created
                else []
            )
        return list(_recorded(event["Records"]))
    except (AttributeError, KeyError, TypeError):
        return None


def _recorded(records: Any) -> Iterator[tuple[str, str]]:
    if not isinstance(records, list):
        raise TypeError
    for record in records:
        bucket, key = record["s3"]["bucket"]["name"], record["s3"]["object"]["key"]
        if str(record["eventName"]).removeprefix("s3:").startswith("ObjectCreated"):
            yield str(bucket), unquote_plus(str(key))


class NamedObjects:
    """Objects in a folder that messages name.

    Args:
        named: The messages.
        place: The folder.
    """

    def __init__(self, named: Sequence[Message], place: Location) -> None:
        self._messages, self._place = named, place

    def keys(self) -> tuple[list[str], list[str]]:
        """Return the keys below the folder, each once, and names of other objects."""
        keys: dict[str, None] = {}
        elsewhere = []
        for message in self._messages:
            for bucket, key in message.objects:
                if (below := self._below(bucket, key)) is None:
                    elsewhere.append(f"{bucket}/{key}")
                else:
                    keys[below] = None
        return list(keys), elsewhere

    def _below(self, bucket: str, key: str) -> str | None:
        """Return the key relative to the folder, or `None` if it is outside."""
        place = self._place
        prefix = f"{place.key}/" if place.key else ""
        if (
            place.scheme != "s3"
            or bucket != place.root
            or not key.startswith(prefix)
            or key == prefix
        ):
            return None
        return key.removeprefix(prefix)

    def response(
        self, unread: Sequence[ReadFailure], left: Set[str]
    ) -> TriggerResponse:
        """Return the messages that a queue must deliver again.

        A message whose objects are missing is done.

        Args:
            unread: Objects or records that could not be read.
            left: Objects that the run did not reach.
        """
        if all(message.id is None for message in self._messages):
            return TriggerResponse()
        if odd := [message.id for message in self._messages if not message.valid]:
            _log.warning(
                "trigger: messages that are no S3 notifications stay in the queue: %s",
                ", ".join(map(str, odd)),
            )
        again = [item.source_key for item in unread if item.reason != "missing"]
        undone = left | {*again, *map(object_of, again)}
        failed = [
            {"itemIdentifier": message.id}
            for message in self._messages
            if not message.valid
            or any(self._below(*location) in undone for location in message.objects)
        ]
        return TriggerResponse({"batchItemFailures": failed})
