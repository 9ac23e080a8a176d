"""Glob patterns of whole paths."""

from __future__ import annotations

import re
from collections.abc import Iterator

_PIECE = re.compile(r"\*\*/|\*\*|\*|\?|\[[^\]/]+\]|[^*?\[/]+|/|\[")
_WILD = {
    "**/": r"(?:[^/.][^/]*/)*",
    "**": r"(?:[^/]|/(?!\.))*",
    "*": "[^/]*",
    "?": "[^/]",
}


def compile_glob(pattern: str) -> re.Pattern[str]:
    """Return a regular expression for the paths that a pattern matches as a whole.

    ``*`` and ``?`` match no slash, ``**/`` matches any folders and none, ``**`` matches
    anything, and ``[abc]``, ``[a-z]`` or ``[!a]`` one character. As in a shell, a dot
    at the beginning of a name must be written.

    Raises:
        ValueError: The pattern is empty, begins with a slash, or has a wrong range.
    """
    if not pattern or pattern.startswith("/"):
        raise ValueError("a pattern is relative to uri; begin with a name or **/")
    try:
        return re.compile("".join(_translated(pattern)), re.DOTALL)
    except re.error:
        raise ValueError("not a pattern: a range in brackets is wrong") from None


def _translated(pattern: str) -> Iterator[str]:
    begins = True
    for piece in _PIECE.findall(pattern):
        if begins and piece[0] in "*?[":
            yield r"(?!\.)"
        if piece in _WILD:
            yield _WILD[piece]
        elif piece[0] == "[" and len(piece) > 1:
            inner = piece[1:-1].replace("\\", "\\\\")
            yield f"[^/{inner[1:]}]" if inner[0] == "!" else f"[{inner}]"
        else:
            yield re.escape(piece)
        begins = piece.endswith("/")
