"""The queue of records that can never succeed.

They are set aside with their whole payload, their source key and what is wrong.
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
"""Messages in a request, at the most that SQS takes."""


class DeadLetterSettings(Settings):
    """Where a source sets aside what can never succeed."""

    dead_letters: str | None = Field(
        None,
        description=(
            "URL of the queue for records that can never succeed; without it they are"
            " failures"
        ),
    )
    dead_letter_bytes: int = Field(
        262_144,
        ge=1024,
        le=1_048_576,
        description="Longest message that the queue takes, in bytes",
    )
    dead_letter_overflow: str | None = Field(
        None,
        description=(
            "Folder (s3://bucket/prefix/) for payloads that are too long for the queue"
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
    """A record to set aside.

    Attributes:
        source_key: Where it came from.
        payload: All of it, as it came.
        error_type: What is wrong with it.
        field: Path of the declared field that is at fault, or None.
    """

    source_key: str
    payload: bytes
    error_type: str
    field: str | None


class DeadLetters:
    """The queue.

    A record that was set aside is handled. One that could not be is not.
    """

    def __init__(self, settings: DeadLetterSettings) -> None:
        self.settings = settings

    def send(self, letters: Sequence[DeadLetter]) -> list[str]:
        """Set letters aside, in order, and stop at the first request that fails.

        Returns:
            Source keys of those that were not set aside, or of which that is not known.
        """
        if letters and self.settings.dead_letters is None:
            _log.warning(
                "records that can never succeed and no queue to set them aside: %d",
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
        """Groups of letters with their messages, each as much as one request takes.

        None: they have none.
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
        """Send messages, and return the positions of those that were not taken."""
        entries = [
            {"Id": str(at), "MessageBody": body} for at, body in enumerate(bodies)
        ]
        try:
            answer = client("sqs").send_message_batch(
                QueueUrl=self.settings.dead_letters, Entries=entries
            )
        except (
            Exception
        ) as error:  # botocore's, of many types; whatever it is, the records come again
            _log.error("the dead-letter queue takes nothing: %s", _error_code(error))
            return set(range(len(entries)))
        failed = {int(failure["Id"]) for failure in answer.get("Failed", [])}
        for failure in answer.get("Failed", []):
            _log.error(
                "the dead-letter queue did not take a message: %s", failure.get("Code")
            )
        return failed

    def _body(self, letter: DeadLetter) -> str | None:
        """The message: with the payload, or with where it lies.

        None: it is too long, and there is nowhere else.
        """
        body = _message(letter, _encoded(letter.payload))
        if _size([body]) <= self.settings.dead_letter_bytes:
            return body
        if not self.settings.dead_letter_overflow:
            _log.error(
                "a record is too long for the dead-letter queue; set"
                " dead_letter_overflow"
            )
            return None
        digest = hashlib.sha256(
            letter.source_key.encode() + b"\0" + letter.payload
        ).hexdigest()
        try:
            store = open_store(parse_location(self.settings.dead_letter_overflow))
            store.put(digest, letter.payload, if_version=None)
        except CommitConflict:
            pass  # it was set aside before; the same name is the same content
        except ReportingError as error:
            _log.error(
                "a record that is too long for the dead-letter queue could not be"
                " written: %s",
                error,
            )
            return None
        uri = f"{self.settings.dead_letter_overflow.rstrip('/')}/{digest}"
        return _message(
            letter, {"payload_uri": uri, "payload_bytes": len(letter.payload)}
        )


def permissions(settings: DeadLetterSettings) -> list[Permission]:
    """To send to the queue, and to write what is too long for it."""
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
    """The payload as text where SQS takes it as such, else in base64.

    It can be restored to the byte.
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
    """The service's code; what it says at length may hold what was sent."""
    code = getattr(error, "response", {}).get("Error", {}).get("Code")
    return str(code) if code else type(error).__name__
