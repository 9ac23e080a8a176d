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

JOINED = 64 * 1024
"""Size of joined parts."""

FIRST_WINDOW, LAST_WINDOW = 1024, 1024 * 1024
"""Bytes that are decompressed at once: at the beginning of a member, and at most."""

MAX_RATIO = 500
"""Largest ratio of sizes after and before decompression, from `RATIO_BYTES` on."""

RATIO_BYTES = 64 * 1024 * 1024
GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = (
    b"\x28\xb5\x2f\xfd",
    *(bytes([first]) + b"\x2a\x4d\x18" for first in range(0x50, 0x60)),
)
"""Beginnings of frames: of content, and of those that a reader skips."""


def is_compressed(head: bytes) -> bool:
    """Return whether content that begins with `head` is gzip or zstd."""
    return head.startswith((GZIP_MAGIC, *ZSTD_MAGIC))


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
        yield from _joined(_limited(_gunzip(counted), counted, limit))
    elif head.startswith(ZSTD_MAGIC):
        yield from _joined(_limited(_unzstd(counted), counted, limit))
    else:
        yield from _limited(iter(counted), counted, limit)


def _limited(plain: Iterator[bytes], stored: _Counted, limit: int) -> Iterator[bytes]:
    size = 0
    for part in plain:
        size += len(part)
        expands = size > RATIO_BYTES and size > MAX_RATIO * stored.size
        if size > limit or expands:
            raise UnreadableError(problems.TOO_LARGE)
        yield part


def _joined(parts: Iterator[bytes]) -> Iterator[bytes]:
    """Yield parts of `JOINED` to `PART` bytes, but for the last one.

    The first one must be long enough for a byte-order mark.
    """
    short: list[bytes] = []
    size = 0
    for part in filter(None, parts):
        short.append(part)
        size += len(part)
        if size >= JOINED:
            text = b"".join(short)
            yield text[:PART]
            short, size = [text[PART:]], max(0, size - PART)
    yield b"".join(short)


class _Counted:
    """Blocks, with the number of bytes that were taken so far."""

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks, self.size = blocks, 0

    def __iter__(self) -> Iterator[bytes]:
        for block in self._blocks:
            self.size += len(block)
            yield block


class _Windows:
    """Parts of blocks that grow, until a member ends.

    What is not used of a part is a copy. If all of a block were passed on at once, a
    file of many short members would be copied once for each.
    """

    def __init__(self, blocks: Iterable[bytes]) -> None:
        self._blocks = blocks
        self._size, self._unused = FIRST_WINDOW, 0

    def __iter__(self) -> Iterator[bytes]:
        for block in self._blocks:
            at = 0
            while at < len(block):
                window = block[at : at + self._size]
                self._size, self._unused = min(2 * self._size, LAST_WINDOW), 0
                yield window
                at += len(window) - self._unused

    def give_back(self, unused: bytes, *, ended: bool) -> None:
        """Take back the end of the last part; `ended`: a member ends before it."""
        self._unused = len(unused)
        self._size = FIRST_WINDOW if ended else self._size


def _gunzip(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Decompress members that follow each other; NULs may follow the last one."""
    from isal import isal_zlib  # most files are not compressed

    stream, ended = isal_zlib.decompressobj(wbits=31), False
    windows = _Windows(blocks)
    try:
        for window in windows:
            data = window
            if ended:
                data = window.lstrip(b"\0")
                if not data:
                    continue
                stream = isal_zlib.decompressobj(wbits=31)
            yield stream.decompress(data, PART)
            ended = stream.eof
            unused = stream.unused_data if ended else stream.unconsumed_tail
            windows.give_back(unused, ended=ended)
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
    windows = _Windows(blocks)
    try:
        for window in windows:
            if stream.eof:
                stream = zstd.ZstdDecompressor()
            yield stream.decompress(window, PART)
            while not (stream.eof or stream.needs_input):
                yield stream.decompress(b"", PART)
            unused = stream.unused_data if stream.eof else b""
            windows.give_back(unused, ended=stream.eof)
    except zstd.ZstdError as error:
        raise UnreadableError(problems.ZSTD) from error
    if not stream.eof:
        raise UnreadableError(problems.ZSTD)
