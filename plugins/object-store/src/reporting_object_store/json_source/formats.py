"""Detection of formats other than JSON by an object's first bytes."""

from __future__ import annotations

import json
import re

HEAD = 4096
"""Number of bytes that are checked."""

_MAGIC: tuple[tuple[bytes, str], ...] = (
    (b"PAR1", "parquet"),
    (b"\x1f\x8b", "gzip"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"\xff\x06\x00\x00sNaPpY", "snappy"),
    (b"ARROW1", "arrow"),
    (b"Obj\x01", "avro"),
    (b"ORC", "orc"),
    (b"SQLite format 3\x00", "sqlite"),
    (b"%PDF-", "pdf"),
    (b"\xff\xfe\x00\x00", "utf_32"),
    (b"\x00\x00\xfe\xff", "utf_32"),
    (b"\xff\xfe", "utf_16"),
    (b"\xfe\xff", "utf_16"),
)
CONTAINERS = frozenset(name for _, name in _MAGIC)
"""Formats that contain no JSON lines or parts in UTF-8."""

TEXTS = frozenset({"html", "xml", "csv", "binary"})
"""Formats of a file's first lines after which other lines may still be JSON."""

_UTF_8_MARK = b"\xef\xbb\xbf"
_TEXT = re.compile(rb"[^\x00-\x08\x0e-\x1f]*")
_MARKUP = re.compile(rb"<(?:[A-Za-z_!?])")
_HTML = re.compile(rb"<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_SEPARATORS = (b",", b";", b"\t", b"|")


def looks_like(data: bytes) -> str | None:
    """Return the format of the bytes if they do not look like JSON in UTF-8.

    Only the first bytes are checked, so the cost does not depend on the size.

    Returns:
        ``parquet``, ``gzip``, ``zip``, ``zstd``, ``bzip2``, ``xz``, ``lz4``,
        ``snappy``, ``arrow``, ``avro``, ``orc``, ``sqlite``, ``pdf``, ``utf_16``,
        ``utf_32``, ``html``, ``xml``, ``csv``, ``binary``, or ``latin_1`` (text that is
        not UTF-8); `None` if the bytes may be JSON or the format is not known.
    """
    head = data[:HEAD]
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    if wide := _wide(head):
        return wide
    text = head.removeprefix(_UTF_8_MARK).lstrip(b" \t\r\n")
    if not _TEXT.fullmatch(text):
        return "binary"
    if text[:1] in (b"{", b"["):
        return None if _is_utf_8(head) else "latin_1"
    if _MARKUP.match(text):
        return "html" if _HTML.search(text) else "xml"
    if _is_csv(text):
        return "csv"
    return None if _is_utf_8(head) else "latin_1"


def _wide(head: bytes) -> str | None:
    """Return the encoding with two or four bytes a character, without a mark.

    It is recognised by the NULs around the first character, which is ASCII.
    """
    zeros = [byte == 0 for byte in head[:4]]
    if len(zeros) == 4 and sum(zeros) == 3 and zeros[1:3] == [True, True]:
        return "utf_32"
    return "utf_16" if zeros in ([True, False] * 2, [False, True] * 2) else None


def _is_utf_8(head: bytes) -> bool:
    """Return whether the head is UTF-8; its last character may be cut off."""
    try:
        head.decode()
    except UnicodeDecodeError as error:
        return (
            len(head) == HEAD
            and error.start > HEAD - 4
            and error.reason == "unexpected end of data"
        )
    return True


def _is_csv(text: bytes) -> bool:
    """Return whether the first two lines look like CSV.

    Both have the same separator equally often, and the first is no JSON value.
    """
    first, second = [*text.split(b"\n", 2), b"", b""][:2]
    if not any(
        0 < first.count(separator) == second.count(separator)
        for separator in _SEPARATORS
    ):
        return False
    try:
        json.loads(first)
    except (ValueError, RecursionError):
        return True
    return False
