"""From an object's bytes to records: one JSON object, an array, NDJSON, and gzip of each, told by their content."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from itertools import islice

from isal import isal_zlib

from reporting_framework import LOOKS_LIKE, line_origin, single_origin
from reporting_object_store.formats import CONTAINERS, looks_like

GZIP = b"\x1f\x8b"
LINES = (".ndjson", ".jsonl", ".ndjson.gz", ".jsonl.gz")
_SPACE = b" \t\r\n"
MOST = 250_000
"""Records in an object, unless set otherwise."""

_CHUNK = 16 * 1024
_decode_one = json.JSONDecoder(parse_int=str, parse_float=str).raw_decode
_skipped = re.compile(r"[ \t\r\n]*").match


class Undecodable(Exception):
    """The object cannot be taken apart.

    Attributes:
        reason: ``too_large``, ``too_many_records``, ``gzip_invalid``, or ``looks_like_`` and a foreign format.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def inflate(data: bytes, limit: int) -> bytes:
    """The content of a gzip file of one or more members.

    Raises:
        Undecodable: It is damaged, or has more than `limit` bytes when decompressed.
    """
    parts, left, position = [], limit, 0
    try:
        while position < len(data):
            stream = isal_zlib.decompressobj(wbits=31)
            while not stream.eof:
                chunk = data[position : position + _CHUNK]  # not all: each member would copy what is behind it
                part = stream.decompress(chunk, left + 1)
                if len(part) > left:
                    raise Undecodable("too_large")
                if not chunk:
                    raise Undecodable("gzip_invalid")
                parts.append(part)
                left -= len(part)
                position += len(chunk) - len(stream.unused_data)
            while data[position : position + 1] == b"\0":
                position += 1
    except isal_zlib.error as error:  # type: ignore[misc]  # in the stub of isal it is no class
        raise Undecodable("gzip_invalid") from error
    return b"".join(parts)


def is_single(key: str, data: bytes) -> bool:
    """Whether the object is one JSON object by its first look: the common case, decided without parsing."""
    return data[:1] == b"{" and data[1:2] != b"\0" and b"\n{" not in data and not key.endswith(LINES)


def records(key: str, data: bytes, limit: int, most: int = MOST) -> Sequence[tuple[str, bytes]]:
    """Origin and payload of each record of an object. What is not JSON comes as one record, for a validator to refuse.

    Args:
        key: The object.
        data: Its bytes.
        limit: Largest decompressed size in bytes.
        most: How many records it may have.

    Raises:
        Undecodable: See `inflate`; or there are more; or the whole object is in a format that is not JSON.
    """
    if data[:2] == GZIP:
        data = inflate(data, limit)
    if (found_format := looks_like(data)) in CONTAINERS:
        raise Undecodable(f"{LOOKS_LIKE}{found_format}")
    if key.endswith(LINES):
        found = _lines(key, data)
    elif is_single(key, data):
        return ((single_origin(key), data),)
    else:
        found = _by_content(key, data, most)
    held = tuple(islice(found, most + 1))
    if len(held) > most:
        raise Undecodable("too_many_records")
    return held


def _by_content(key: str, data: bytes, most: int) -> Iterator[tuple[str, bytes]]:
    stripped = data.lstrip(_SPACE)
    if stripped[:1] == b"[" and (items := _items(stripped, most)) is not None:
        for number, item in enumerate(items, 1):
            yield line_origin(key, number), item
    elif stripped[:1] == b"{" and _has_more(stripped):
        yield from _lines(key, data)
    elif found := looks_like(data):
        raise Undecodable(f"{LOOKS_LIKE}{found}")
    else:
        yield single_origin(key), data


def _lines(key: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    """One record a line; the origin counts all lines, blank ones too, so that it is the line an editor shows."""
    begin, number = 0, 1
    while begin <= len(data):
        end = data.find(b"\n", begin)
        line = data[begin : end if end >= 0 else len(data)]
        if line.strip(_SPACE):
            yield line_origin(key, number), line
        begin, number = (end + 1, number + 1) if end >= 0 else (len(data) + 1, number)


def _has_more(data: bytes) -> bool:
    """Whether something follows the first JSON value."""
    try:
        text = data.decode()
        _, end = _decode_one(text)
    except (ValueError, RecursionError):
        return b"}\n{" in data.replace(b"\r", b"")
    return bool(text[end:].strip())


def _items(data: bytes, most: int) -> list[bytes] | None:
    """The elements of a JSON array, each as it is written there; None when it is not a whole array.

    Raises:
        Undecodable: There are more than `most`.
    """
    try:
        text = data.decode()
        items, position = [], _skip(text, 1)
        if text[position : position + 1] == "]":
            return [] if not text[position + 1 :].strip() else None
        while True:
            _, end = _decode_one(text, position)
            items.append(text[position:end].encode())
            if len(items) > most:
                raise Undecodable("too_many_records")
            position = _skip(text, end)
            if text[position : position + 1] == "]":
                return items if not text[position + 1 :].strip() else None
            if text[position : position + 1] != ",":
                return None
            position = _skip(text, position + 1)
    except (ValueError, RecursionError):
        return None


def _skip(text: str, position: int) -> int:
    """The first position from `position` on that is not white space."""
    found = _skipped(text, position)
    return found.end() if found else position
