"""Common base of the AWS sources whose records are delivered by a trigger."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import ClassVar

from pydantic import Field
from typing_extensions import override

from reporting_aws.dead_letters import (
    DeadLetter,
    DeadLetters,
    DeadLetterSettings,
    permissions,
)
from reporting_framework import Permission, PushSource, RejectedMessage


class PushedSettings(DeadLetterSettings):
    """Settings of a source whose records are delivered by a trigger."""

    max_record_bytes: int = Field(
        1024 * 1024,
        ge=1,
        description="Largest record in bytes; larger ones are rejected",
    )


class Pushed(PushSource):
    """Source of messages that sends rejected messages to a dead-letter queue.

    A message in that queue is handled. Without a queue, or if the queue does not accept
    the message, it counts as a failure and is delivered again.
    """

    Settings: ClassVar[type[PushedSettings]] = PushedSettings

    def __init__(self, settings: PushedSettings) -> None:
        super().__init__(settings)
        self._letters = DeadLetters(settings)

    @classmethod
    @override
    def aws_permissions(cls, settings: PushedSettings) -> Sequence[Permission]:
        return permissions(settings)

    @override
    def set_aside(self, rejected: Sequence[RejectedMessage]) -> Collection[str]:
        return self._letters.send(
            [
                DeadLetter(
                    message.rejection.source_key,
                    message.payload,
                    message.rejection.error_type,
                    message.rejection.field,
                )
                for message in rejected
            ]
        )
