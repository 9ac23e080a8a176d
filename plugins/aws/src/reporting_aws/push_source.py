"""The common part of the sources of AWS whose records a trigger hands over."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import ClassVar

from pydantic import Field

from reporting_aws.dead_letters import (
    DeadLetter,
    DeadLetters,
    DeadLetterSettings,
    permissions,
)
from reporting_framework import Permission, PushSource, RejectedMessage


class PushedSettings(DeadLetterSettings):
    """Settings of a source of records that a trigger hands over."""

    max_record_bytes: int = Field(
        1024 * 1024, ge=1, description="Largest record; a larger one is rejected"
    )


class Pushed(PushSource):
    """A source of messages whose rejected ones go to a dead-letter queue.

    What is rejected is set aside there and so handled; where there is no such queue, or
    it takes nothing, it is a failure and comes again.
    """

    Settings: ClassVar[type[PushedSettings]] = PushedSettings

    def __init__(self, settings: PushedSettings) -> None:
        super().__init__(settings)
        self._letters = DeadLetters(settings)

    @classmethod
    def aws_permissions(cls, settings: PushedSettings) -> Sequence[Permission]:
        """See `Plugin.aws_permissions`."""
        return permissions(settings)

    def set_aside(self, rejected: Sequence[RejectedMessage]) -> Collection[str]:
        """See `PushSource.set_aside`."""
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
