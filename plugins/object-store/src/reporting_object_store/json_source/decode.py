"""Decoder of an object's bytes into records.

The bytes are one JSON object, several JSON objects, an array, NDJSON, or gzip of one of
these. The content decides which.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import Literal

from reporting_framework import LOOKS_LIKE, line_source_key, single_source_key
from reporting_object_store.json_source.formats import CONTAINERS, TEXTS, looks_like

BOM = b"\xef\xbb\xbf"
"""UTF-8's byte-order mark, which some editors and exports write at the start."""

GZIP = b"\x1f\x8b"
LINES = (".ndjson", ".jsonl", ".ndjson.gz", ".jsonl.gz")
_SPACE = b" \t\r\n"
MAX_RECORDS = 250_000
"""Default limit of records in an object."""

_BETWEEN = (b"\n{", b"}{", b"} {")
"""Texts between two objects; they occur elsewhere too."""

COMMAS = 4
"""Most commas per allowed record for which all elements of an array are decoded at once
and then counted.
"""

_CHUNK = 16 * 1024
_decode_one = json.JSONDecoder(parse_int=str, parse_float=str).raw_decode
_skipped = re.compile(r"[ \t\r\n]*").match
_border = re.compile(r"[ \t\r\n]*([,\]])[ \t\r\n]*").match
_next_object = re.compile(r"\}[ \t\r]*\n(?=\{)").search
"""Match of the border between two objects at a line's start.

This text cannot occur within an object.
"""

_second_line_is_object = re.compile(r"[^\n]*\n[ \t\r\n]*\{").match


class UndecodableError(Exception):
    """The object cannot be decoded.

    Attributes:
        reason: ``too_large``, ``too_many_records``, ``gzip_invalid``, or
            ``looks_like_`` and a foreign format.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def inflate(data: bytes, limit: int) -> bytes:
    """Decompress a gzip file of one or more members.

    Raises:
        UndecodableError: It is damaged, or larger than `limit` bytes when decompressed.
    """
    from isal import isal_zlib  # most objects are not compressed

    parts, left, position = [], limit, 0
    try:
        while position < len(data):
            stream = isal_zlib.decompressobj(wbits=31)
            while not stream.eof:
                chunk = data[
                    position : position + _CHUNK
                ]  # a chunk: each member would copy the rest of the data
                part = stream.decompress(chunk, left + 1)
                if len(part) > left:
                    raise UndecodableError("too_large")
                if not chunk:
                    raise UndecodableError("gzip_invalid")
                parts.append(part)
                left -= len(part)
                position += len(chunk) - len(stream.unused_data)
            while data[position : position + 1] == b"\0":
                position += 1
    except isal_zlib.error as error:  # type: ignore[misc]  # in the stub of isal it is no class
        raise UndecodableError("gzip_invalid") from error
    return b"".join(parts)


def is_single(key: str, data: bytes) -> bool:
    """Return whether the object is one JSON object, by a fast check without parsing.

    This is the common case.
    """
    if data[:1] != b"{" or key.endswith(LINES):
        return False
    if data[data.find(b"}") :] in (
        b"}",
        b"}\n",
    ):  # a flat object; the checks below cost a scan each
        return True
    return b"\0" not in data[:2] and not any(pattern in data for pattern in _BETWEEN)


def records(
    key: str, data: bytes, limit: int, most: int = MAX_RECORDS
) -> Sequence[tuple[str, bytes]]:
    """Return the source key and payload of each record of an object.

    Content that is not JSON becomes one record, which the validator rejects.

    Args:
        key: Key of the object.
        data: Content of the object.
        limit: Largest decompressed size, in bytes.
        most: Largest number of records.

    Raises:
        UndecodableError: The gzip is damaged, a limit is exceeded, or the whole object
            is in a format other than JSON.
    """
    if data[:2] == GZIP:
        data = inflate(data, limit)
    data = data.removeprefix(BOM)
    if data[:1] not in (b"{", b"[") or b"\0" in data[:4]:
        _refuse_foreign(data, CONTAINERS)
    if key.endswith(LINES):
        lines = _lines(key, data)
    elif is_single(key, data):
        return ((single_source_key(key), data),)
    else:
        lines = _by_content(key, data, most)
    held = tuple(islice(lines, most + 1))
    if len(held) > most:
        raise UndecodableError("too_many_records")
    return held


def _by_content(key: str, data: bytes, most: int) -> Iterator[tuple[str, bytes]]:
    stripped = data.lstrip(_SPACE)
    if stripped[:1] not in (b"[", b"{"):
        _refuse_foreign(data, TEXTS)
    items: Iterable[bytes] | None = None
    if stripped[:1] == b"[":
        items = _items(stripped, most)
    elif stripped[:1] == b"{":
        text = stripped.decode(errors="surrogateescape")
        arrangement = _arrangement(text)
        if arrangement == "lines":
            yield from _lines(key, data)
            return
        items = _objects(text) if arrangement == "objects" else None
    if items is None:
        yield single_source_key(key), data
    else:
        yield from (
            (line_source_key(key, number), item) for number, item in enumerate(items, 1)
        )


def _refuse_foreign(data: bytes, formats: Collection[str]) -> None:
    """Refuse data in one of some foreign formats.

    Text that is not UTF-8 is left to the validator.

    Raises:
        UndecodableError: The data looks like one of the formats.
    """
    if (format_name := looks_like(data)) in formats:
        raise UndecodableError(f"{LOOKS_LIKE}{format_name}")


def _lines(key: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield one record per line.

    The source key counts all lines, also blank ones, so its number is the line that an
    editor shows.
    """
    for number, line in enumerate(_split(data), 1):
        if line.strip(_SPACE):
            yield line_source_key(key, number), line


def _split(data: bytes) -> Iterable[bytes]:
    """Return the lines; one by one if there are so many that a list would be large."""
    if data.count(b"\n") > MAX_RECORDS:
        return (line.rstrip(b"\n") for line in io.BytesIO(data))
    return data.split(b"\n")


def _arrangement(text: str) -> Literal["one", "lines", "objects"]:
    """Return how the objects in a text that begins with an object are arranged.

    Either one object, one object per line, or several objects that span lines or share
    a line.
    """
    try:
        _, end = _decode_one(text)
    except (ValueError, RecursionError):
        if not _next_object(text):
            return "one"
        return "lines" if _second_line_is_object(text) else "objects"
    behind = text[end:].lstrip(" \t\r")
    following = behind.lstrip()[:1]
    if not following:
        return "one"
    return (
        "objects"
        if following == "{" and ("\n" in text[:end] or behind[0] == "{")
        else "lines"
    )


def _objects(text: str) -> Iterator[bytes]:
    """Yield JSON objects that follow each other.

    A broken object ends before the next object that begins at a line's start.
    """
    begin = 0
    while begin < len(text):
        border = _next_object(text, begin)
        part = text[begin : border.end() if border else len(text)]
        at = 0
        while at < len(part):
            try:
                _, end = _decode_one(part, at)
            except (ValueError, RecursionError):
                end = len(part)
            yield part[at:end].encode(errors="surrogateescape")
            at = _skip(part, end)
        begin += len(part)


def _items(data: bytes, most: int) -> list[bytes] | None:
    """Return the elements of a JSON array as text; `None` if it is not whole.

    For an array of more than `most` elements, at least ``most + 1`` are returned. An
    element that is not UTF-8, or is NaN, is left to the validator, as in a line.
    """
    import msgspec

    if data.count(b",") <= COMMAS * most:
        try:
            return [
                bytes(item)
                for item in msgspec.json.decode(data, type=list[msgspec.Raw])
            ]
        except (ValueError, RecursionError):
            pass  # perhaps because of NaN or half a surrogate pair in one element
    try:
        return list(islice(_scanned(data.decode(errors="surrogateescape")), most + 1))
    except (ValueError, RecursionError):
        return None


def _scanned(text: str) -> Iterator[bytes]:
    """Yield the elements of a JSON array, one at a time.

    Raises:
        ValueError: The array is not whole.
    """
    at, last = _skip(text, 1), False
    while not last:
        _, end = _decode_one(text, at)
        yield text[at:end].encode(errors="surrogateescape")
        if not (border := _border(text, end)):
            raise ValueError
        at, last = border.end(), border[1] == "]"
    if at < len(text):
        raise ValueError


def _skip(text: str, position: int) -> int:
    """Return the first position from `position` on that is not white space."""
    end = _skipped(text, position)
    return end.end() if end else position
