"""Base class of sources whose records are in the trigger: streams and queues."""

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
    """Message that was read, and whose record was rejected.

    Attributes:
        rejection: Source key and reason.
        payload: Bytes of the record; the data of the message if it cannot be decoded.
    """

    rejection: Rejection
    payload: bytes


class PushSource(Source):
    """Base class of sources of messages: implement `messages` and `response`.

    The source key of a message never changes, so a message that is delivered again is
    recognized by it. A message that could not be kept is named in the response, and is
    delivered again.

    Attributes:
        triggers: Kinds of triggers whose messages it takes.
        split_messages: Largest number of messages in a split.
        max_record_bytes: Largest record in bytes; larger records are rejected.
        ascii: Whether data is encoded as ASCII text, so that a message with a lone
            surrogate is an invalid trigger.
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
        """Largest record in bytes: the setting of this name, or 1 MiB."""
        return int(getattr(self.settings, "max_record_bytes", 1024 * 1024))

    # -- for the author ----------------------------------------------------------------

    @abstractmethod
    def messages(self, event: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
        """Return source key and data of each message of an event.

        Data is text that `decode` can decode.

        Raises:
            KeyError: The event is not an event of the trigger's service.
            TypeError: The same.
        """

    @abstractmethod
    def response(self, failed: Sequence[str]) -> Any:
        """Return the response that makes the trigger deliver these messages again.

        Args:
            failed: Source keys of the messages, in the order of the trigger.
        """

    @optional
    def decode(self, data: Sequence[str]) -> Sequence[bytes | None]:
        """Return the record of each message, `None` if data cannot be decoded.

        A lone surrogate, which JSON may contain, is kept; the validator rejects it.
        """
        return [text.encode(errors="surrogatepass") for text in data]

    @optional
    def set_aside(self, rejected: Sequence[RejectedMessage]) -> Collection[str]:
        """Store messages that can never succeed, so that no retry is needed.

        Called after the commit. Return the source keys of messages that could not be
        stored: they fail, and are delivered again.
        """
        return [message.rejection.source_key for message in rejected]

    @optional
    def final_messages(self, failed: Collection[str]) -> Collection[str]:
        """Return the source keys of messages that no failed message delivers again.

        A stream delivers all messages after a failed message again, so these must not
        be stored by `set_aside` yet.
        """
        return self.source_keys

    @property
    def source_keys(self) -> Sequence[str]:
        """Source keys of all messages, in the order of the trigger."""
        return list(self._messages or ())

    # -- the role ----------------------------------------------------------------------

    def accept_trigger(self, trigger: Trigger) -> None:
        """Accept the messages of a trigger."""
        try:
            messages = self.messages(trigger.event)
            "".join([source_key for source_key, _ in messages]).encode()
            data = [text for _, text in messages]
            are_ascii = set(map(str.isascii, data))  # fails unless all are texts
            if self.ascii and False in are_ascii:
                "".join(data).encode()
        except (KeyError, TypeError, AttributeError, UnicodeEncodeError):
            raise TriggerError(
                f"source {self.name}: a record of the trigger has another form; send"
                " events of its service"
            ) from None
        self._messages = dict(messages)

    def plan(self, ledger: RunLedger) -> Iterator[Split]:
        """Yield splits with the messages in them, so that any machine can read them."""
        messages = self._messages
        if messages is None:
            raise TriggerError(
                f"source {self.name}: there is no trigger with records; pass --events,"
                " or start the report by a trigger"
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
        """Return the number of messages that were not returned in a split."""
        return PlanStats(waiting=len(self._waiting), exhausted=not self._waiting)

    def build_response(
        self, unread: Sequence[ReadFailure], rejections: Sequence[Rejection]
    ) -> TriggerResponse:
        """Store rejected messages, and return the response with the failed messages."""
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
