"""Messages of a tap, decoded in blocks of lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from reporting_singer.problems import TapFailed

NOTHING = msgspec.Raw()
"""A part that a message does not have."""


class Message(msgspec.Struct, gc=False):
    """One line of a tap's output; parts that are not decoded yet are raw."""

    type: str
    stream: str | None = None
    record: msgspec.Raw = NOTHING
    schema: msgspec.Raw = NOTHING
    key_properties: list[str] | None = None
    bookmark_properties: list[str] | str | None = None
    value: msgspec.Raw = NOTHING
    version: int | float | None = None
    encoding: msgspec.Raw = NOTHING
    manifest: list[str] | None = None


class Unreadable(msgspec.Struct, gc=False):
    """Record that only a lenient parser can read, such as one with NaN.

    Attributes:
        stream: Its stream.
        record: Its values.
        version: Its version.
    """

    stream: str
    record: dict[str, Any]
    version: int | float | None = None


_KINDS = ("SCHEMA", "RECORD", "STATE", "ACTIVATE_VERSION", "BATCH")

_decoder = msgspec.json.Decoder(Message)


class MessageReader:
    """Reader of a tap's output: chunks of bytes in, messages out.

    Args:
        max_line: Maximum number of bytes of a line.

    Attributes:
        lines: Number of lines so far.
    """

    def __init__(self, max_line: int) -> None:
        self._max_line = max_line
        self._parts: list[bytes] = []
        self._size = 0
        self.lines = 0

    def read(self, chunk: bytes) -> Iterable[Message | Unreadable]:
        """Return the messages that a chunk completes; take all before the next chunk.

        Raises:
            TapFailed: A line is no message, or is too long.
        """
        head, newline, rest = chunk.rpartition(b"\n")
        if not newline:
            self._keep(rest)
            return ()
        block = b"".join([*self._parts, head]) if self._parts else head
        self._parts, self._size = [], 0
        if rest:
            self._keep(rest)
        return self._decode(block)

    def end(self) -> Iterable[Message | Unreadable]:
        """Return the message of a last line without a line break.

        Raises:
            TapFailed: It is no whole message: the tap was killed while it wrote.
        """
        block, self._parts = b"".join(self._parts), []
        return self._decode(block) if block.strip() else ()

    def _keep(self, part: bytes) -> None:
        self._parts.append(part)
        self._size += len(part)
        if self._size > self._max_line:
            raise self._too_long()

    def _too_long(self) -> TapFailed:
        return TapFailed(
            f"line {self.lines + 1} is longer than {self._max_line} bytes; raise"
            " max_line_bytes, or leave out the field that is so large"
        )

    def _decode(self, block: bytes) -> Iterable[Message | Unreadable]:
        if len(block) > self._max_line:
            return self._one_by_one(block)
        try:
            messages = _decoder.decode_lines(block)
        except (ValueError, RecursionError):
            return self._one_by_one(block)
        self.lines += len(messages)
        return messages

    def _one_by_one(self, block: bytes) -> Iterator[Message | Unreadable]:
        for line in block.split(b"\n"):
            if not line.strip():
                continue
            if len(line) > self._max_line:
                raise self._too_long()
            self.lines += 1
            try:
                yield _decoder.decode(line)
            except ValueError:
                yield self._leniently(line)
            except RecursionError:
                raise self._too_deep() from None

    def _too_deep(self) -> TapFailed:
        return TapFailed(
            f"line {self.lines} has a value that is nested too deeply; leave out the"
            " field that has it"
        )

    def _leniently(self, line: bytes) -> Unreadable:
        kind = None
        try:
            content = json.loads(line.decode("utf-8", "replace"))
            kind = content["type"]
            if kind == "RECORD":
                return msgspec.convert(content, Unreadable)
        except RecursionError:
            raise self._too_deep() from None
        except (ValueError, TypeError, KeyError):
            pass
        if kind in _KINDS:
            raise TapFailed(
                f"line {self.lines} is a {kind} message that is not valid JSON, such as"
                " with NaN, or has a part of a wrong type; correct the tap"
            )
        raise TapFailed(
            f"line {self.lines} is no Singer message; the tap must write nothing else"
            " to its standard output"
        )
