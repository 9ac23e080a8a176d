"""Decompression of gzip and zstd, in parts of bounded size."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from itertools import chain

from reporting_files import problems
from reporting_files.problems import UnreadableError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

PART = 4 * 1024 * 1024
"""Largest part that is decompressed at once, in bytes."""

MAX_RATIO = 500
"""Largest ratio of sizes after and before decompression, from `RATIO_BYTES` on."""

RATIO_BYTES = 64 * 1024 * 1024
GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"


def is_compressed(head: bytes) -> bool:
    """Return whether content that begins with `head` is gzip or zstd."""
    return head.startswith((GZIP_MAGIC, ZSTD_MAGIC))


def plain_blocks(blocks: Iterable[bytes], limit: int) -> Iterator[bytes]:
    """Yield the content of a file, decompressed if it is gzip or zstd.

    Args:
        blocks: Content as it is stored.
        limit: Largest number of bytes of the content.

    Raises:
        UnreadableError: The file is damaged or cut off, larger than `limit`, or
            expands too much.
    """
    stored = iter(blocks)
    head = next(stored, b"")
    counted = _Counted(chain([head], stored))
    if head.startswith(GZIP_MAGIC):
        plain = _gunzip(counted)
    elif head.startswith(ZSTD_MAGIC):
        plain = _unzstd(counted)
    else:
        plain = iter(counted)
    size = 0
    for part in plain:
        size += len(part)
        expands = size > RATIO_BYTES and size > MAX_RATIO * counted.size
        if size > limit or expands:
            raise UnreadableError(problems.TOO_LARGE)
        yield part


class _Counted:
    """Blocks, with the number of bytes that were taken so far."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks, self.size = blocks, 0

    def __iter__(self) -> Iterator[bytes]:
        for block in self._blocks:
            self.size += len(block)
            yield block


def _gunzip(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Decompress members that follow each other; NULs may follow the last one."""
    from isal import isal_zlib  # most files are not compressed

    stream, ended = isal_zlib.decompressobj(wbits=31), False
    try:
        for block in blocks:
            left = block
            while left:
                if ended:
                    left = left.lstrip(b"\0")
                    if not left:
                        break
                    stream, ended = isal_zlib.decompressobj(wbits=31), False
                yield stream.decompress(left, PART)
                ended = stream.eof
                left = stream.unused_data if ended else stream.unconsumed_tail
        while not ended and (part := stream.decompress(b"", PART)):
            yield part
            ended = stream.eof
    except isal_zlib.error as error:  # type: ignore[misc]  # no class in isal's stub
        raise UnreadableError(problems.GZIP) from error
    if not (ended or stream.eof):
        raise UnreadableError(problems.GZIP)


def _unzstd(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Decompress frames that follow each other."""
    stream = zstd.ZstdDecompressor()
    try:
        for block in blocks:
            left = block
            while left:
                if stream.eof:
                    stream = zstd.ZstdDecompressor()
                yield stream.decompress(left, PART)
                while not (stream.eof or stream.needs_input):
                    yield stream.decompress(b"", PART)
                left = stream.unused_data if stream.eof else b""
    except zstd.ZstdError as error:
        raise UnreadableError(problems.ZSTD) from error
    if not stream.eof:
        raise UnreadableError(problems.ZSTD)
