"""Checksums of parquet files, in the files' own key-value metadata.

They cover the data, block by block, and the footer.

The data are cut into as many blocks of equal size as there are row groups, so that a
reader can check them without knowing parquet. Files without checksums, such as files of
other programs, are read unchecked.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable, Iterator
from typing import BinaryIO

import polars as pl

from reporting_framework.errors import CorruptCheckpoint

KEY = "reporting.checksums"
"""Name of the metadata entry. Its value is JSON: SHA-256 of the footer, bytes of data,
and SHA-256 of each block, cut to `DIGITS`. The value's length is known before the data:
polars writes zeros, and `seal` replaces them with the checksums.
"""

DIGITS = 32
"""Hexadecimal digits kept of the checksum of a block."""

READ_BYTES = 8 * 1024 * 1024
"""Bytes to read at once while checking, at least: one request to a bucket for each
block would be slow.
"""

TAIL = 65_536
"""Bytes at the end of a file to read first, in search of its footer."""

_UNSEALED = "0" * 64
_SEAL = len('{"footer":"')
"""Offset of the footer's checksum in the value. The checksum is computed with zeros in
its own position.
"""

Read = Callable[[int, int], bytes]
"""Function that returns `length` bytes from position `start`."""


def placeholder(blocks: int) -> dict[str, str]:
    """Return the metadata to write into a parquet file before it is sealed.

    `seal` replaces its zeros with checksums.
    """
    return {KEY: _value(0, ["0" * DIGITS] * max(1, blocks))}


def seal(file: BinaryIO) -> None:
    """Write the checksums of a parquet file into its metadata.

    `file` must be open for reading and writing, and written with `placeholder`.
    """
    size, read = file.seek(0, io.SEEK_END), _reader(file)
    footer = _footer(read, size)
    at, value = _seal(footer) or (0, "")
    begin = size - len(footer)
    new = _value(begin, list(_blocks(read, begin, len(json.loads(value)["blocks"]))))
    sealed = footer[:at] + new.encode() + footer[at + len(new) :]
    file.seek(begin + at)
    file.write(new.replace(_UNSEALED, _digest(sealed, at), 1).encode())


def parquet_bytes(frame: pl.DataFrame, *, row_group_size: int | None = None) -> bytes:
    """Return a small frame as a parquet file with checksums."""
    buffer = io.BytesIO()
    frame.write_parquet(
        buffer,
        compression="zstd",
        row_group_size=row_group_size,
        metadata=placeholder(1),
    )
    seal(buffer)
    return buffer.getvalue()


def check(uri: str, read: Read, size: int) -> None:
    """Compare a parquet file with its checksums, if it has any.

    Memory use does not grow with the file's size.

    Args:
        uri: URI of the file, for messages.
        read: Function that reads its bytes.
        size: Its size in bytes.

    Raises:
        CorruptCheckpoint: The content does not match the checksums.
        polars.exceptions.PolarsError: The footer cannot be read.
    """
    footer = _footer(read, size)
    if (checksums := _seal(footer)) is None:
        return
    at, value = checksums
    begin = size - len(footer)
    if value[_SEAL : _SEAL + len(_UNSEALED)] == _digest(footer, at):
        blocks = list(_blocks(read, begin, len(json.loads(value)["blocks"])))
        if (
            value[_SEAL + len(_UNSEALED) :]
            == _value(begin, blocks)[_SEAL + len(_UNSEALED) :]
        ):
            return
    raise _mismatch(uri)


def metadata(uri: str, read: Read, size: int) -> dict[str, str]:
    """Return the key-value metadata of a parquet file; check the footer's checksum.

    Raises:
        CorruptCheckpoint: The footer does not match its checksum.
        polars.exceptions.PolarsError: The footer cannot be read.
    """
    footer = _footer(read, size)
    if (seal := _seal(footer)) is not None:
        at, value = seal
        if value[_SEAL : _SEAL + len(_UNSEALED)] != _digest(footer, at):
            raise _mismatch(uri)
    return pl.read_parquet_metadata(io.BytesIO(b"PAR1" + footer))


def check_bytes(uri: str, data: bytes) -> None:
    """Compare a parquet file in memory with its checksums; see `check`."""
    check(uri, lambda start, length: data[start : start + length], len(data))


def schema_of(read: Read, size: int) -> pl.Schema:
    """Return the schema of a parquet file."""
    return pl.Schema(pl.read_parquet_schema(io.BytesIO(b"PAR1" + _footer(read, size))))


def _footer(read: Read, size: int) -> bytes:
    """Return the footer, with its length and the magic bytes after it."""
    tail = read(max(0, size - TAIL), min(size, TAIL))
    length = int.from_bytes(tail[-8:-4], "little") + 8
    if TAIL < length < size:
        tail = read(size - length, length)
    return tail[-length:]


def _seal(footer: bytes) -> tuple[int, str] | None:
    """Return the offset of the checksums in the footer and their JSON, if any."""
    value = pl.read_parquet_metadata(io.BytesIO(b"PAR1" + footer)).get(KEY)
    return None if value is None else (footer.rindex(value.encode()), value)


def _mismatch(uri: str) -> CorruptCheckpoint:
    return CorruptCheckpoint(
        f"{uri}: its content does not match its checksums; restore an earlier version"
        " or move it away; nothing was changed"
    )


def _digest(footer: bytes, at: int) -> str:
    begin = at + _SEAL
    return hashlib.sha256(
        footer[:begin] + _UNSEALED.encode() + footer[begin + len(_UNSEALED) :]
    ).hexdigest()


def _value(size: int, blocks: list[str]) -> str:
    return json.dumps(
        {"footer": _UNSEALED, "bytes": f"{size:020}", "blocks": blocks},
        separators=(",", ":"),
    )


def _blocks(read: Read, size: int, count: int) -> Iterator[str]:
    """Yield the checksums of the first `size` bytes, cut into `count` blocks.

    The last blocks may be shorter, or empty.
    """
    length = max(1, -(-size // count))
    most = length * max(1, READ_BYTES // length)
    for start in range(0, length * count, most):
        part = memoryview(read(start, min(most, max(0, size - start))))
        for at in range(0, min(most, length * count - start), length):
            yield hashlib.sha256(part[at : at + length]).hexdigest()[:DIGITS]


def _reader(file: BinaryIO) -> Read:
    def read(start: int, length: int) -> bytes:
        file.seek(start)
        return file.read(length)

    return read
