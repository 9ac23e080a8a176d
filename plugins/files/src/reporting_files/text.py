"""Text files: their encoding, and pieces that end with a whole record."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable, Iterator
from itertools import chain

from reporting_files import problems
from reporting_files.problems import UnreadableError
from reporting_framework import LOOKS_LIKE

CHUNK = 8 * 1024 * 1024
"""Size in bytes from which a piece of text ends with the next record."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""Byte-order marks; a longer one precedes the one that it begins with."""


def utf_8_blocks(blocks: Iterable[bytes], encoding: str | None) -> Iterator[bytes]:
    """Yield text as UTF-8, without a byte-order mark.

    Args:
        blocks: Content of the file.
        encoding: Encoding of the file; `None`: what its byte-order mark says, or UTF-8.

    Raises:
        UnreadableError: A part of the text is not in the encoding.
    """
    rest = iter(blocks)
    head = next(rest, b"")
    mark, marked = next(
        (pair for pair in _MARKS if head.startswith(pair[0])), (b"", None)
    )
    if encoding is None and marked is None and (wide := _wide(head)):
        raise UnreadableError(f"{LOOKS_LIKE}{wide}")
    name = codecs.lookup(marked or encoding or "utf-8").name
    decoder = codecs.getincrementaldecoder(name)()
    plain = name in ("utf-8", "ascii")
    pending = False
    try:
        for block in chain([head[len(mark) :]], rest):
            if plain and not pending and block.isascii():
                yield block
                continue
            text = decoder.decode(block)
            pending = bool(decoder.getstate()[0])
            yield text.encode()
        decoder.decode(b"", final=True)
    except UnicodeError:
        known = encoding is None or name == "utf-8"
        reason = problems.UTF_8 if known else "wrong_encoding"
        raise UnreadableError(reason) from None


def _wide(head: bytes) -> str | None:
    """Return the encoding of text with two or four bytes a character, without a mark.

    It is recognised by the NULs beside the first characters, which are ASCII.
    """
    zeros = [byte == 0 for byte in head[:4]]
    if len(zeros) == 4 and sum(zeros) == 3 and zeros[1:3] == [True, True]:
        return "utf_32"
    return "utf_16" if zeros in ([True, False] * 2, [False, True] * 2) else None


def check_records(
    blocks: Iterable[bytes],
    quote: bytes,
    most: int,
    check: Callable[[bytes], None] | None = None,
) -> None:
    """Check that `whole_records` can yield all of a text.

    Args:
        blocks: The text, as UTF-8.
        quote: Quote of values that may hold line ends; empty: there is none.
        most: Largest size of a record.
        check: Further check of pieces, from the first one with a quote on; the
            beginning of the first line may be NULs.

    Raises:
        UnreadableError: A record is too large, or a quoted value does not end.
    """
    open_line = 0
    rest = iter(blocks)
    for block in rest:
        if quote and quote in block:  # records may have several lines
            start = b"\0" * open_line
            for piece in whole_records(chain([start, block], rest), quote, most):
                if check is not None:
                    check(piece)
            return
        end = block.rfind(b"\n") + 1
        open_line = len(block) - end if end else open_line + len(block)
        if open_line > most:
            raise UnreadableError(problems.TOO_LARGE)


def whole_records(
    blocks: Iterable[bytes], quote: bytes, most: int, size: int = CHUNK
) -> Iterator[bytes]:
    """Yield pieces of text that end with a record, each of about `size` bytes.

    A record ends with a line, unless a quoted value goes on in the next line.

    Args:
        blocks: The text, as UTF-8.
        quote: Quote of values that may hold line ends; empty: there is none.
        most: Largest size of a record.
        size: Size from which a piece ends with the next record.

    Raises:
        UnreadableError: A record is too large, or a quoted value does not end.
    """
    parts: list[bytes] = []
    length, quotes = 0, 0
    for block in blocks:
        parts.append(block)
        length += len(block)
        quotes += block.count(quote) if quote and quote in block else 0
        if length < size:
            continue
        text = b"".join(parts)
        end, inside = last_end(text, quote, quotes)
        if length - end > most:
            raise UnreadableError(problems.TOO_LARGE)
        if end:
            yield within(text[:end] if end < length else text, most)
        parts, length, quotes = [text[end:]], length - end, inside
    text = b"".join(parts)
    if quotes % 2:
        raise UnreadableError(problems.CSV)
    if text:
        text = text if text.endswith(b"\n") else text + b"\n"
        yield within(text, most)


def within(text: bytes, most: int) -> bytes:
    """Return the text if no line is larger than `most` bytes.

    Raises:
        UnreadableError: A line is larger.
    """
    if len(text) > most and max(map(len, text.split(b"\n"))) > most:
        raise UnreadableError(problems.TOO_LARGE)
    return text


def last_end(text: bytes, quote: bytes, quotes: int) -> tuple[int, int]:
    """Return the position after the last record, and the quotes behind it.

    The position is 0 if no record ends.

    Args:
        text: Text that begins with a record.
        quote: The quote; empty: there is none.
        quotes: Number of quotes in the text.
    """
    at, before = len(text), quotes
    while True:
        end = text.rfind(b"\n", 0, at) + 1
        before -= text.count(quote, end, at) if quote else 0
        if not end or before % 2 == 0:
            return end, quotes - before if end else quotes
        at = end - 1
