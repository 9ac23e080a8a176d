"""The common part of sources whose records a trigger hands over.

What they share is the records, and what becomes of them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from pydantic import Field

from reporting_aws.dead_letters import (
    DeadLetter,
    DeadLetters,
    DeadLetterSettings,
    permissions,
)
from reporting_framework import (
    FILTERED,
    Batch,
    Permission,
    PlanStats,
    ReadFailure,
    Rejection,
    RunLedger,
    Shape,
    Split,
    Trigger,
    TriggerError,
    TriggerResponse,
)

BATCH = 10_000
"""Records in a split, at the most: as many as a trigger hands over at once, unless
files of several are taken.
"""


class PushedSettings(DeadLetterSettings):
    """Settings of a source of records that a trigger hands over."""

    max_record_bytes: int = Field(
        1024 * 1024, ge=1, description="Largest record; a larger one is rejected"
    )


class Pushed(ABC):
    """A source of records that a trigger hands over.

    A subclass says how one is taken apart, and what the answer is.

    A record has an origin for good, so what comes again is known by it. What is
    rejected is set aside in the dead-letter queue and so handled; where there is none,
    or it takes nothing, it is a failure and comes again.
    """

    name: ClassVar[str]
    triggers: ClassVar[frozenset[str]]
    output_format: ClassVar[Shape] = "payloads"
    ascii: ClassVar[bool] = False
    """Whether data is encoded, so that a lone surrogate in it is no record at all."""
    Settings: ClassVar[type[PushedSettings]] = PushedSettings
    parallelism = 1

    def __init__(self, settings: PushedSettings) -> None:
        self.settings = settings
        self._letters = DeadLetters(settings)
        self._records: dict[str, Any] | None = None
        self._waiting: set[str] = set()  # not handed out yet

    @classmethod
    def permissions(cls, settings: PushedSettings) -> Sequence[Permission]:
        """See `Permitted.permissions`."""
        return permissions(settings)

    # -- for subclasses ----------------------------------------------------------------

    @abstractmethod
    def found(self, records: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
        """Origin and data of each record; data is text that `payloads_of` understands.

        Raises:
            KeyError: A record is not what the trigger says.
            TypeError: The same.
        """

    @abstractmethod
    def payloads_of(self, data: Sequence[str]) -> list[bytes | None]:
        """The records themselves; None where data cannot be decoded."""

    @abstractmethod
    def answer(self, failed: Sequence[str]) -> Any:
        """Return what the trigger expects back when these origins must come again.

        The origins are in the order of the trigger.
        """

    # -- the role ----------------------------------------------------------------------

    def accept_trigger(self, trigger: Trigger) -> None:
        """See `Triggered.accept_trigger`."""
        try:
            found = self.found(trigger.event["Records"])
            "".join([origin for origin, _ in found]).encode()
            data = "".join([text for _, text in found])
            if self.ascii:
                data.encode()
        except (KeyError, TypeError, AttributeError, UnicodeEncodeError):
            raise TriggerError(
                f"a record of the trigger is none of {self.name}"
            ) from None
        self._records = dict(found)

    def plan(self, ledger: RunLedger) -> Iterator[Split]:
        """See `Source.plan`.

        The records themselves are planned, so that they can be worked on anywhere.
        """
        if self._records is None:
            raise TriggerError(
                f"source {self.name} works on what a trigger hands over; give --events,"
                " or a trigger"
            )
        unseen = ledger.filter_new(list(self._records), lambda _: None)
        self._waiting = set(unseen)
        for begin in range(0, len(unseen), BATCH):
            origins = unseen[begin : begin + BATCH]
            self._waiting.difference_update(origins)
            yield Split(
                f"{origins[0]}+{len(origins)}",
                {origin: self._records[origin] for origin in origins},
            )

    def read(self, split: Split) -> Iterator[Batch]:
        """See `Source.read`."""
        found, longest = (
            self.payloads_of(list(split.data.values())),
            self.settings.max_record_bytes,
        )
        taken = [
            payload
            for payload in found
            if payload is not None and len(payload) <= longest
        ]
        origins, rejected = list(split.data), []
        if len(taken) < len(found):
            wrong = {
                origin: "undecodable" if payload is None else "too_large"
                for origin, payload in zip(origins, found, strict=True)
                if payload is None or len(payload) > longest
            }
            origins = [origin for origin in origins if origin not in wrong]
            rejected = [Rejection(origin, None, why) for origin, why in wrong.items()]
        yield Batch(origins, [None] * len(origins), taken, rejected=rejected)

    def plan_stats(self) -> PlanStats:
        """See `Source.plan_stats`."""
        return PlanStats(waiting=len(self._waiting), exhausted=not self._waiting)

    def bookmark(
        self, *, complete: bool, unread: Sequence[str], rows: int
    ) -> Mapping[str, Any]:
        """See `Source.bookmark`: there is nothing to find again."""
        return {}

    def close(self) -> None:  # noqa: B027 - nothing is under way, in any of them
        """See `Source.close`."""

    def build_response(
        self, unread: Sequence[ReadFailure], rejections: Sequence[Rejection]
    ) -> TriggerResponse:
        """See `Triggered.build_response`."""
        failed = {item.origin for item in unread} | self._waiting
        wrong = {
            each.origin: each for each in rejections if each.error_type != FILTERED
        }
        records = self._records or {}
        letters = [
            DeadLetter(
                origin, self._raw(data), wrong[origin].error_type, wrong[origin].field
            )
            for origin, data in self._settled(records, failed)
            if origin in wrong
        ]
        left = self._letters.send(letters)
        failed.update(left)
        answer = self.answer([origin for origin in records if origin in failed])
        return TriggerResponse(
            answer,
            [ReadFailure(origin, f"{self.name}: not set aside") for origin in left],
        )

    def _settled(
        self, records: Mapping[str, Any], failed: set[str]
    ) -> Iterator[tuple[str, Any]]:
        """Records that will not come again whatever becomes of the others."""
        return iter(records.items())

    def _raw(self, data: str) -> bytes:
        [payload] = self.payloads_of([data])
        return data.encode(errors="surrogatepass") if payload is None else payload
