"""The base class of sources whose records a trigger hands over: streams and queues."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from reporting_framework.errors import TriggerError
from reporting_framework.plugin_api.base import optional
from reporting_framework.plugin_api.records import (
    FILTERED,
    Batch,
    ReadFailure,
    Rejection,
    Split,
    TriggerResponse,
)
from reporting_framework.plugin_api.source import PlanStats, Source

if TYPE_CHECKING:
    from reporting_framework.plugin_api.ledger import RunLedger
    from reporting_framework.plugin_api.records import Trigger


class RejectedMessage(NamedTuple):
    """A message that was read, and whose record was rejected.

    Attributes:
        rejection: Source key and reason.
        payload: Its bytes, as far as they could be decoded.
    """

    rejection: Rejection
    payload: bytes


class PushSource(Source):
    """Base class of sources of messages: a source needs `messages` and `response`.

    A message has a source key for good, so one that is delivered again is known by it.
    A message that could not be kept is named in the response, and is delivered again.

    Attributes:
        triggers: Kinds of triggers whose messages it takes.
        split_messages: Largest number of messages in a split.
        max_record_bytes: Largest record in bytes; a larger one is rejected.
        ascii: Whether data is encoded, so that a lone surrogate in it is no message at
            all.
    """

    triggers: ClassVar[frozenset[str]]
    split_messages: ClassVar[int] = 10_000
    ascii: ClassVar[bool] = False

    def __init__(self, settings: Any = None) -> None:
        super().__init__(settings)
        self._messages: dict[str, str] | None = None
        self._waiting: set[str] = set()  # not handed out yet

    @property
    def max_record_bytes(self) -> int:
        """Largest record in bytes; that of the settings, if they have one."""
        return int(getattr(self.settings, "max_record_bytes", 1024 * 1024))

    # -- for the author ----------------------------------------------------------------

    @abstractmethod
    def messages(self, event: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
        """Return source key and data of each message of an event.

        Data is text that `decode` understands.

        Raises:
            KeyError: The event is not what the trigger says.
            TypeError: The same.
        """

    @abstractmethod
    def response(self, failed: Sequence[str]) -> Any:
        """Return what the trigger expects back when these messages must come again.

        Args:
            failed: Their source keys, in the order of the trigger.
        """

    @optional
    def decode(self, data: Sequence[str]) -> Sequence[bytes | None]:
        """Return the record of each message, `None` if data cannot be decoded.

        A lone surrogate, which JSON can bring in, is left for the validator to refuse.
        """
        return [text.encode(errors="surrogatepass") for text in data]

    @optional
    def set_aside(self, rejected: Sequence[RejectedMessage]) -> Collection[str]:
        """Keep messages that can never succeed, so that they need not come again.

        Called after the commit. Return the source keys of those that could not be kept:
        they fail, and are delivered again.
        """
        return [message.rejection.source_key for message in rejected]

    @optional
    def final_messages(self, failed: Collection[str]) -> Collection[str]:
        """Return the source keys that are not delivered again because of others.

        A stream delivers all messages again that follow a failed one, so nothing behind
        it is set aside before its time.
        """
        return self.source_keys

    @property
    def source_keys(self) -> Sequence[str]:
        """Source keys of all messages, in the order of the trigger."""
        return list(self._messages or ())

    # -- the role ----------------------------------------------------------------------

    def accept_trigger(self, trigger: Trigger) -> None:
        """Take the messages of a trigger."""
        try:
            messages = self.messages(trigger.event)
            "".join([source_key for source_key, _ in messages]).encode()
            data = "".join([text for _, text in messages])
            if self.ascii:
                data.encode()
        except (KeyError, TypeError, AttributeError, UnicodeEncodeError):
            raise TriggerError(
                f"a record of the trigger is none of {self.name}"
            ) from None
        self._messages = dict(messages)

    def plan(self, ledger: RunLedger) -> Iterator[Split]:
        """Yield the messages themselves, so that they can be worked on anywhere."""
        messages = self._messages
        if messages is None:
            raise TriggerError(
                f"source {self.name} works on what a trigger hands over; give --events,"
                " or a trigger"
            )
        new = ledger.filter_new(list(messages), lambda _: None)
        self._waiting = set(new)
        for begin in range(0, len(new), self.split_messages):
            keys = new[begin : begin + self.split_messages]
            self._waiting.difference_update(keys)
            yield Split(f"{keys[0]}+{len(keys)}", {key: messages[key] for key in keys})

    def read(self, split: Split) -> Iterator[Batch]:
        """Yield the records of a split."""
        payloads = self.decode(list(split.data.values()))
        longest = self.max_record_bytes
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
            source_keys = [key for key in source_keys if key not in wrong]
            rejected = [Rejection(key, None, why) for key, why in wrong.items()]
        yield Batch(source_keys, [None] * len(source_keys), taken, rejected=rejected)

    def plan_stats(self) -> PlanStats:
        """Return how many messages were not handed out."""
        return PlanStats(waiting=len(self._waiting), exhausted=not self._waiting)

    def build_response(
        self, unread: Sequence[ReadFailure], rejections: Sequence[Rejection]
    ) -> TriggerResponse:
        """Set rejected messages aside, and name those that failed."""
        failed = {item.source_key for item in unread} | self._waiting
        final = set(self.final_messages(failed))
        rejected = {
            rejection.source_key: rejection
            for rejection in rejections
            if rejection.error_type != FILTERED
        }
        left = self.set_aside(
            [
                RejectedMessage(rejected[source_key], self._raw(data))
                for source_key, data in (self._messages or {}).items()
                if source_key in rejected and source_key in final
            ]
        )
        failed.update(left)
        return TriggerResponse(
            self.response([key for key in self.source_keys if key in failed]),
            [ReadFailure(key, f"{self.name}: not set aside") for key in left],
        )

    def _raw(self, data: str) -> bytes:
        [payload] = self.decode([data])
        return data.encode(errors="surrogatepass") if payload is None else payload
