"""Numbers of JSON with more digits than polars keeps, as texts.

polars reads a number with a fraction as float64, and an integer as int64 if it can.
"""

from __future__ import annotations

import math
import re
from collections.abc import Set
from decimal import Decimal, InvalidOperation

import polars as pl

_OF_NUMBERS = b"0123456789.eE"
_ZEROS = bytes(ord("0" if byte in _OF_NUMBERS else " ") for byte in range(256))
_RUN, _RUN_OF_FLOAT = b"0" * 17, b"0" * 16
"""Fewest characters of a number that is not kept: 16 digits, and a dot or an `e` unless
integers are floats.
"""

_LONG = re.compile(
    rb":[ \t\r]*(?=-?[0-9.eE]{16})"
    rb"(-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)(?=[ \t\r]*[,}])"
)
"""Number after a colon, or what looks like one within a string."""

_STRING = re.compile(rb'"[^"\\\n]*(?:\\.[^"\\\n]*)*"')


def with_long_as_texts(text: bytes, *, as_floats: bool) -> bytes:
    """Return NDJSON with quotes around numbers of records that polars would change.

    Numbers in lists and objects stay as they are, and so does one beyond float64.

    Args:
        text: Lines; itself returned if no number changes.
        as_floats: Whether integers are read as float64, too, as beside a fraction.
    """
    if (_RUN_OF_FLOAT if as_floats else _RUN) not in text.translate(_ZEROS):
        return text
    changed = _changed(_LONG.findall(text), as_floats=as_floats)
    return _quoted(text, changed) if changed else text


def _quoted(text: bytes, changed: Set[bytes]) -> bytes:
    """Return lines with quotes around the numbers of records that are in a set."""
    parts = []
    done = at = depth = 0
    for found in _LONG.finditer(text):
        start, end = found.span(1)
        if start < at or found[1] not in changed:
            continue
        line = text.rfind(b"\n", at, start) + 1
        if line:
            at, depth = line, 0
        outside, quote, _ = _STRING.sub(b"", text[at:start]).partition(b'"')
        depth += outside.count(b"{") + outside.count(b"[")
        depth -= outside.count(b"}") + outside.count(b"]")
        if quote:
            at = _end_of_string(text, at, start)
            continue
        at = end
        if depth == 1:
            parts += [text[done:start], b'"%s"' % found[1]]
            done = end
    return b"".join([*parts, text[done:]]) if parts else text


def _end_of_string(text: bytes, at: int, within: int) -> int:
    """Return the end of the string around a position, or that of its line.

    Args:
        text: Lines.
        at: Position outside of strings, in the same line.
        within: The position.
    """
    for found in _STRING.finditer(text, at):
        if found.start() > within:
            break
        if found.end() > within:
            return found.end()
    line = text.find(b"\n", within)
    return len(text) if line < 0 else line


def _changed(numbers: list[bytes], *, as_floats: bool) -> set[bytes]:
    """Return the numbers that another one is read for."""
    texts = pl.Series([number.decode() for number in numbers], dtype=pl.String)
    kept = texts == texts.cast(pl.Float64).cast(pl.String)
    if not as_floats:
        kept |= texts.cast(pl.Int64, strict=False).is_not_null()
    others = texts.filter(~kept)
    return {text.encode() for text in others if _is_changed(text, as_floats=as_floats)}


def _is_changed(number: str, *, as_floats: bool) -> bool:
    nearest = float(number)
    if math.isinf(nearest):  # its record is rejected
        return False
    if not as_floats and number.removeprefix("-").isdigit():
        return not -(2**63) <= int(number) < 2**63
    try:
        return Decimal(number) != Decimal(repr(nearest))
    except InvalidOperation:  # the exponent has too many digits
        return True
