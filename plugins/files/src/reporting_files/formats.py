"""Format of a file, by its name or its content."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import get_args

from reporting_files.settings import FileFormat

_SUFFIXES: Mapping[str, FileFormat] = {
    "csv": "csv",
    "tsv": "csv",
    "tab": "csv",
    "parquet": "parquet",
    "pq": "parquet",
    "ndjson": "ndjson",
    "jsonl": "ndjson",
    "json": "json",
    "xlsx": "excel",
    "xlsm": "excel",
    "xlsb": "excel",
    "xls": "excel",
    "ods": "excel",
    "avro": "avro",
}
_MAGIC: tuple[tuple[bytes, FileFormat], ...] = (
    (b"PAR1", "parquet"),
    (b"Obj\x01", "avro"),
    (b"PK\x03\x04", "excel"),
    (b"\xd0\xcf\x11\xe0", "excel"),
)
_COMPRESSION = re.compile(r"\.(?:gz|gzip|zst|zstd)\Z", re.IGNORECASE)
STREAMED: frozenset[FileFormat] = frozenset({"csv", "ndjson", "parquet"})
"""Formats that are read in parts."""

FORMATS = get_args(FileFormat)


def format_by_name(path: str) -> FileFormat | None:
    """Return the format that the end of a path says, `None` if it says none."""
    name = _COMPRESSION.sub("", path)
    return _SUFFIXES.get(name.rpartition(".")[2].lower())


def format_of(path: str, head: bytes) -> FileFormat:
    """Return the format of a file.

    Args:
        path: Path of the file.
        head: First bytes of its content, decompressed.
    """
    for magic, known in _MAGIC:
        if head.startswith(magic):
            return known
    by_name = format_by_name(path)
    if by_name in ("csv", "ndjson", "json"):
        return by_name
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text[:1] == b"[":
        return "json"
    if text[:1] == b"{":
        return "ndjson" if re.match(rb"[^\n]*\}[ \t\r]*\n", text) else "json"
    return by_name or "csv"
