"""Size of the content of archives, found by decompressing it in parts.

The sizes that an archive names may be wrong, so they are not used.
"""

from __future__ import annotations

import io
import zipfile
import zlib

from reporting_files import problems
from reporting_files.problems import UnreadableError

EXCEL, AVRO = "excel_invalid", "avro_invalid"

_ZIP_HEADER = 30
"""Size of a local file header in a zip archive, without name and extra field."""

_AVRO_MAGIC, _AVRO_SYNC = 4, 16
"""Sizes of the beginning of an Avro file, and of the mark after each block."""

_PART = 1024 * 1024


def check_zip(data: bytes, limit: int) -> None:
    """Check that all members of a zip archive are at most `limit` bytes together.

    Data that is no archive is fine.

    Raises:
        UnreadableError: They are larger, or the archive is damaged.
    """
    if not data.startswith(b"PK"):
        return
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OverflowError) as error:
        raise UnreadableError(EXCEL) from error
    left = limit
    for member in members:
        left -= _member_size(data, member, left)


def _member_size(data: bytes, member: zipfile.ZipInfo, limit: int) -> int:
    at = member.header_offset
    begin = at + _ZIP_HEADER
    begin += int.from_bytes(data[at + 26 : at + 28], "little")
    begin += int.from_bytes(data[at + 28 : at + 30], "little")
    if member.compress_type == zipfile.ZIP_STORED:
        return _within(member.compress_size, limit)
    if member.compress_type == zipfile.ZIP_DEFLATED:
        return _inflated(data, begin, len(data), limit, EXCEL)
    raise UnreadableError(EXCEL)


def check_avro(data: bytes, limit: int) -> None:
    """Check that all blocks of an Avro file are at most `limit` bytes together.

    Raises:
        UnreadableError: They are larger, or the file is damaged.
    """
    try:
        at, codec = _avro_header(data)
        left = limit
        while at < len(data):
            _, at = _long(data, at)
            size, at = _long(data, at)
            if not 0 <= size <= len(data) - at:
                raise UnreadableError(AVRO)
            left -= _block_size(data, at, size, codec, left)
            at += size + _AVRO_SYNC
    except IndexError:
        raise UnreadableError(AVRO) from None


def _avro_header(data: bytes) -> tuple[int, bytes]:
    """Return the position after the header, and the codec of blocks."""
    at, codec = _AVRO_MAGIC, b"null"
    while True:
        count, at = _long(data, at)
        if not count:
            return at + _AVRO_SYNC, codec
        if count < 0:
            _, at = _long(data, at)
        for _ in range(abs(count)):
            key, at = _bytes(data, at)
            value, at = _bytes(data, at)
            codec = value if key == b"avro.codec" else codec


def _bytes(data: bytes, at: int) -> tuple[bytes, int]:
    size, at = _long(data, at)
    if not 0 <= size <= len(data) - at:
        raise UnreadableError(AVRO)
    return data[at : at + size], at + size


def _long(data: bytes, at: int) -> tuple[int, int]:
    """Return a number of Avro at a position, and the position after it."""
    value, at = _varint(data, at)
    return (value >> 1) ^ -(value & 1), at


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
        if shift > 63:
            raise UnreadableError(AVRO)


def _block_size(data: bytes, at: int, size: int, codec: bytes, limit: int) -> int:
    """Return the size of a block after decompression."""
    if codec == b"deflate":
        return _inflated(data, at, at + size, limit, AVRO)
    if codec == b"snappy":  # which begins with the size that its decoder allocates
        return _within(_varint(data, at)[0], limit)
    return _within(size, limit)


def _within(size: int, limit: int) -> int:
    if size > limit:
        raise UnreadableError(problems.TOO_LARGE)
    return size


def _inflated(data: bytes, begin: int, end: int, limit: int, damaged: str) -> int:
    """Return the size of deflated data; decompress at most a little more than `limit`.

    Raises:
        UnreadableError: It is larger, or `damaged`.
    """
    stream = zlib.decompressobj(wbits=-15)
    size, at, left = 0, begin, b""
    try:
        while not stream.eof and size <= limit:
            if not left:
                left, at = data[at : min(at + _PART, end)], at + _PART
                if not left:
                    raise UnreadableError(damaged)
            size += len(stream.decompress(left, _PART))
            left = stream.unconsumed_tail
    except zlib.error as error:
        raise UnreadableError(damaged) from error
    return _within(size, limit)
