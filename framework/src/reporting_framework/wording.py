"""How messages are worded: on one line, bounded, with the nearest names."""

from __future__ import annotations

from collections.abc import Sequence

LINE_LIMIT = 240
"""Longest foreign text in a message, in characters, unless told otherwise."""


def one_line(text: str, limit: int = LINE_LIMIT) -> str:
    """The text on one line, cut to `limit` characters."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def cause(error: BaseException) -> str:
    """Type and message of an error, on one bounded line."""
    return one_line(f"{type(error).__name__}: {error}".removesuffix(": "))


def did_you_mean(name: str, known: Sequence[str]) -> str:
    """A clause with the nearest names, or nothing when none is near."""
    from difflib import get_close_matches  # only errors need it: it is not free to import

    near = get_close_matches(name, known, n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(near)}?" if near else ""
