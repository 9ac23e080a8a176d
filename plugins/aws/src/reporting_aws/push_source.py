"""The common part of sources whose records a trigger hands over.

What they share is the records, and what becomes of them.
"""

from __future__ import annotations

from abc import abstractmethod
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
    Source,
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


class Pushed(Source):
    """A source of records that a trigger hands over.

    A subclass says how one is taken apart, and what the answer is.

    A record has a source key for good, so what comes again is known by it. What is
    rejected is set aside in the dead-letter queue and so handled; where there is none,
    or it takes nothing, it is a failure and comes again.
    """

    name: ClassVar[str]
    triggers: ClassVar[frozenset[str]]
    ascii: ClassVar[bool] = False
    """Whether data is encoded, so that a lone surrogate in it is no record at all."""
    Settings: ClassVar[type[PushedSettings]] = PushedSettings

    def __init__(self, settings: PushedSettings) -> None:
        self.settings = settings
        self._letters = DeadLetters(settings)
        self._records: dict[str, Any] | None = None
        self._waiting: set[str] = set()  # not handed out yet

    @classmethod
    def aws_permissions(cls, settings: PushedSettings) -> Sequence[Permission]:
        """See `Plugin.aws_permissions`."""
        return permissions(settings)

    # -- for subclasses ----------------------------------------------------------------

    @abstractmethod
    def parse_records(
        self, records: Sequence[Mapping[str, Any]]
    ) -> list[tuple[str, str]]:
        """Return source key and data of each record.

        Data is text that `payloads_of` understands.

        Raises:
            KeyError: A record is not what the trigger says.
            TypeError: The same.
        """

    @abstractmethod
    def payloads_of(self, data: Sequence[str]) -> list[bytes | None]:
        """The records themselves; None where data cannot be decoded."""

    @abstractmethod
    def answer(self, failed: Sequence[str]) -> Any:
        """Return what the trigger expects back when these source keys must come again.

        The source keys are in the order of the trigger.
        """

    # -- the role ----------------------------------------------------------------------

    def accept_trigger(self, trigger: Trigger) -> None:
        """See `Source.accept_trigger`."""
        try:
            records = self.parse_records(trigger.event["Records"])
            "".join([source_key for source_key, _ in records]).encode()
            data = "".join([text for _, text in records])
            if self.ascii:
                data.encode()
        except (KeyError, TypeError, AttributeError, UnicodeEncodeError):
            raise TriggerError(
                f"a record of the trigger is none of {self.name}"
            ) from None
        self._records = dict(records)

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
            source_keys = unseen[begin : begin + BATCH]
            self._waiting.difference_update(source_keys)
            yield Split(
                f"{source_keys[0]}+{len(source_keys)}",
                {source_key: self._records[source_key] for source_key in source_keys},
            )

    def read(self, split: Split) -> Iterator[Batch]:
        """See `Source.read`."""
        payloads, longest = (
            self.payloads_of(list(split.data.values())),
            self.settings.max_record_bytes,
        )
        taken = [
            payload
            for payload in payloads
            if payload is not None and len(payload) <= longest
        ]
        source_keys, rejected = list(split.data), []
        if len(taken) < len(payloads):
            wrong = {
                source_key: "undecodable" if payload is None else "too_large"
                for source_key, payload in zip(source_keys, payloads, strict=True)
                if payload is None or len(payload) > longest
            }
            source_keys = [
                source_key for source_key in source_keys if source_key not in wrong
            ]
            rejected = [
                Rejection(source_key, None, why) for source_key, why in wrong.items()
            ]
        yield Batch(source_keys, [None] * len(source_keys), taken, rejected=rejected)

    def plan_stats(self) -> PlanStats:
        """See `Source.plan_stats`."""
        return PlanStats(waiting=len(self._waiting), exhausted=not self._waiting)

    def build_response(
        self, unread: Sequence[ReadFailure], rejections: Sequence[Rejection]
    ) -> TriggerResponse:
        """See `Source.build_response`."""
        failed = {item.source_key for item in unread} | self._waiting
        wrong = {
            rejection.source_key: rejection
            for rejection in rejections
            if rejection.error_type != FILTERED
        }
        records = self._records or {}
        letters = [
            DeadLetter(
                source_key,
                self._raw(data),
                wrong[source_key].error_type,
                wrong[source_key].field,
            )
            for source_key, data in self._final_records(records, failed)
            if source_key in wrong
        ]
        left = self._letters.send(letters)
        failed.update(left)
        answer = self.answer(
            [source_key for source_key in records if source_key in failed]
        )
        return TriggerResponse(
            answer,
            [
                ReadFailure(source_key, f"{self.name}: not set aside")
                for source_key in left
            ],
        )

    def _final_records(
        self, records: Mapping[str, Any], failed: set[str]
    ) -> Iterator[tuple[str, Any]]:
        """Records that will not come again whatever becomes of the others."""
        return iter(records.items())

    def _raw(self, data: str) -> bytes:
        [payload] = self.payloads_of([data])
        return data.encode(errors="surrogatepass") if payload is None else payload
