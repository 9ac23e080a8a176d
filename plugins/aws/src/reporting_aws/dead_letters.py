"""Dead-letter queue for records that can never succeed.

A message holds the whole payload, the source key and the error.
"""

from __future__ import annotations

import base64
import hashlib
import json
import logging
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from pydantic import Field, field_validator

from reporting_aws.clients import client
from reporting_aws.names import queue_url
from reporting_framework import (
    CommitConflict,
    LocationError,
    Permission,
    ReportingError,
)
from reporting_framework.plugin_api.settings import Settings
from reporting_framework.storage import open_store, parse_location

_log = logging.getLogger(__name__)

BATCH_SIZE = 10
"""Most messages in a request to SQS."""


class DeadLetterSettings(Settings):
    """Settings of a source's dead-letter queue."""

    dead_letters: str | None = Field(
        None,
        description=(
            "URL of the dead-letter queue for records that can never succeed; without"
            " it"
            " such records count as failures"
        ),
    )
    dead_letter_bytes: int = Field(
        262_144,
        ge=1024,
        le=1_048_576,
        description="Longest message that the dead-letter queue accepts, in bytes",
    )
    dead_letter_overflow: str | None = Field(
        None,
        description=(
            "Folder (s3://bucket/prefix/) for payloads too long for the dead-letter"
            " queue"
        ),
    )

    @field_validator("dead_letters")
    @classmethod
    def _is_url(cls, value: str | None) -> str | None:
        return queue_url(value)

    @field_validator("dead_letter_overflow")
    @classmethod
    def _is_location(cls, value: str | None) -> str | None:
        if value:
            try:
                parse_location(value)
            except LocationError as error:
                raise ValueError(str(error)) from error
        return value or None


class DeadLetter(NamedTuple):
    """A record for the dead-letter queue.

    Attributes:
        source_key: Source key of the record.
        payload: Unchanged payload.
        error_type: Type of the error.
        field: Path of the declared field with the error, or `None`.
    """

    source_key: str
    payload: bytes
    error_type: str
    field: str | None


class DeadLetters:
    """Client of the dead-letter queue.

    A record in the queue counts as handled; a record that could not be sent does not.
    """

    def __init__(self, settings: DeadLetterSettings) -> None:
        self.settings = settings

    def send(self, letters: Sequence[DeadLetter]) -> list[str]:
        """Send letters in order, and stop at the first request that fails.

        Returns:
            Source keys of the letters that were not sent, or whose result is unknown.
        """
        if letters and self.settings.dead_letters is None:
            _log.warning(
                "dead_letters is not set: %d records that can never succeed were not"
                " sent"
                " to a queue",
                len(letters),
            )
            return [letter.source_key for letter in letters]
        left = [letter.source_key for letter in letters]
        for group, entries in self._requests(letters):
            failed = self._send(entries) if entries is not None else {0}
            if failed:
                sent = {
                    group[at].source_key for at in range(len(group)) if at not in failed
                }
                return [source_key for source_key in left if source_key not in sent]
            left = left[len(group) :]
        return left

    def _requests(
        self, letters: Sequence[DeadLetter]
    ) -> Iterator[tuple[list[DeadLetter], list[str] | None]]:
        """Yield groups of letters with their messages, one group per request.

        A letter without a possible message is yielded alone, with `None`.
        """
        group: list[DeadLetter] = []
        bodies: list[str] = []
        for letter in letters:
            body = self._body(letter)
            if (
                body is None
                or len(group) == BATCH_SIZE
                or _size([*bodies, body]) > self.settings.dead_letter_bytes
            ):
                if group:
                    yield group, bodies
                group, bodies = [], []
            if body is None:
                yield [letter], None
            else:
                group.append(letter)
                bodies.append(body)
        if group:
            yield group, bodies

    def _send(self, bodies: Sequence[str]) -> set[int]:
        """Send messages and return the positions of those that SQS did not accept."""
        entries = [
            {"Id": str(at), "MessageBody": body} for at, body in enumerate(bodies)
        ]
        try:
            answer = client("sqs").send_message_batch(
                QueueUrl=self.settings.dead_letters, Entries=entries
            )
        except Exception as error:  # botocore has many types of errors
            _log.error("dead-letter queue: the request failed: %s", _error_code(error))
            return set(range(len(entries)))
        failed = {int(failure["Id"]) for failure in answer.get("Failed", [])}
        for failure in answer.get("Failed", []):
            _log.error(
                "dead-letter queue: a message was not accepted: %s", failure.get("Code")
            )
        return failed

    def _body(self, letter: DeadLetter) -> str | None:
        """Return the message, with the payload or with the URI of a stored payload.

        `None` if the message is too long and the payload could not be stored.
        """
        body = _message(letter, _encoded(letter.payload))
        if _size([body]) <= self.settings.dead_letter_bytes:
            return body
        if not self.settings.dead_letter_overflow:
            _log.error(
                "dead-letter queue: a record is too long; set dead_letter_overflow"
            )
            return None
        digest = hashlib.sha256(
            letter.source_key.encode() + b"\0" + letter.payload
        ).hexdigest()
        try:
            store = open_store(parse_location(self.settings.dead_letter_overflow))
            store.put(digest, letter.payload, if_version=None)
        except CommitConflict:
            pass  # stored before; the name is a hash of the content
        except ReportingError as error:
            _log.error(
                "dead-letter queue: a record is too long and could not be written to"
                " dead_letter_overflow: %s",
                error,
            )
            return None
        uri = f"{self.settings.dead_letter_overflow.rstrip('/')}/{digest}"
        return _message(
            letter, {"payload_uri": uri, "payload_bytes": len(letter.payload)}
        )


def permissions(settings: DeadLetterSettings) -> list[Permission]:
    """Return the permissions to send messages and to write long payloads."""
    needed: list[Permission] = []
    if settings.dead_letters:
        account, name = settings.dead_letters.rstrip("/").split("/")[-2:]
        needed.append(
            Permission(("sqs:SendMessage",), f"arn:aws:sqs:*:{account}:{name}")
        )
    if (
        settings.dead_letter_overflow
        and (place := parse_location(settings.dead_letter_overflow)).scheme == "s3"
    ):
        pattern = f"{place.root}/{place.key}/*" if place.key else f"{place.root}/*"
        needed.append(
            Permission(("s3:GetObject", "s3:PutObject"), f"arn:aws:s3:::{pattern}")
        )
    return needed


def _message(letter: DeadLetter, payload: dict[str, Any]) -> str:
    attributes = {
        "origin": letter.source_key,
        "error_type": letter.error_type,
        "field": letter.field,
    }
    return json.dumps({**attributes, **payload}, ensure_ascii=False)


def _encoded(payload: bytes) -> dict[str, str]:
    """Return the payload as text if SQS accepts it as such, otherwise in base64.

    The payload can be restored exactly.
    """
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        text = "\0"
    if all(char >= " " or char in "\t\n\r" for char in text) and not {
        "\ufffe",
        "\uffff",
    } & set(text):
        return {"payload": text, "encoding": "utf-8"}
    return {"payload": base64.b64encode(payload).decode(), "encoding": "base64"}


def _size(bodies: Sequence[str]) -> int:
    return sum(len(body.encode()) for body in bodies)


def _error_code(error: Exception) -> str:
    """Return the service's code; its full message may quote what was sent."""
    code = getattr(error, "response", {}).get("Error", {}).get("Code")
    return str(code) if code else type(error).__name__
