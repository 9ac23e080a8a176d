"""Size of a zip archive's content, found by decompressing it in parts."""

from __future__ import annotations

import io
import zipfile
import zlib

from reporting_files import problems
from reporting_files.problems import UnreadableError

_HEADER = 30
"""Size of a local file header, without name and extra field."""

_PART = 1024 * 1024
_INVALID = "excel_invalid"


def check_zip(data: bytes, limit: int) -> None:
    """Check that all members of an archive are at most `limit` bytes together.

    The sizes that the archive names may be wrong, so they are not used. Data that is no
    archive is fine.

    Raises:
        UnreadableError: They are larger, or the archive is damaged.
    """
    if not data.startswith(b"PK"):
        return
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OverflowError) as error:
        raise UnreadableError(_INVALID) from error
    left = limit
    for member in members:
        left -= _size(data, member, left)


def _size(data: bytes, member: zipfile.ZipInfo, limit: int) -> int:
    """Return the size of a member.

    Raises:
        UnreadableError: It is larger than `limit`, or damaged.
    """
    at = member.header_offset
    header = data[at : at + _HEADER]
    begin = at + _HEADER
    begin += int.from_bytes(header[26:28], "little")
    begin += int.from_bytes(header[28:30], "little")
    if member.compress_type == zipfile.ZIP_STORED:
        size = member.compress_size
    elif member.compress_type == zipfile.ZIP_DEFLATED:
        size = _inflated(data, begin, limit)
    else:
        raise UnreadableError(_INVALID)
    if size > limit:
        raise UnreadableError(problems.TOO_LARGE)
    return size


def _inflated(data: bytes, begin: int, limit: int) -> int:
    """Return the size of deflated data; decompress at most a little more than `limit`.

    Raises:
        UnreadableError: It is damaged.
    """
    stream = zlib.decompressobj(wbits=-15)
    size, at, left = 0, begin, b""
    try:
        while not stream.eof and size <= limit:
            if not left:
                left, at = data[at : at + _PART], at + _PART
                if not left:
                    raise UnreadableError(_INVALID)
            size += len(stream.decompress(left, _PART))
            left = stream.unconsumed_tail
    except zlib.error as error:
        raise UnreadableError(_INVALID) from error
    return size
