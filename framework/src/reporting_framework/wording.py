"""The wording of messages: one bounded line, the nearest names, and no secret of a URI."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

_USER_INFO = re.compile(
    r"""(?<=://)(?:
        [^\s/?\#'"<>]*                              # user:password, up to the last @ before the path
        | [^\s/:@\['"<>]*:(?!\d{1,5}/)[^\s@'"<>]*   # a password that holds a slash; a port is none
    )@""",
    re.VERBOSE,
)
_QUERY = re.compile(
    r"""\b(
        https?://[^\s?\#'"<>]*(?=[?\#])
        | [a-z][a-z0-9+.-]*://[^\s?'"<>]*(?=\?[^\s=]*=)  # a key in a bucket may hold a question mark
    )[?\#][^\s'"<>]*?(?=[:;,.)\]}]*(?:[\s'"<>\\]|$))""",
    re.VERBOSE | re.IGNORECASE,
)

LINE_LIMIT = 240
"""Longest foreign text in a message, in characters, unless told otherwise."""


def redacted(text: str) -> str:
    """Remove user info and query strings from every URI in a text: passwords, tokens and signatures are there."""
    if "://" not in text:
        return text
    return _QUERY.sub(r"\1", _USER_INFO.sub("", text))


def one_line(text: str, limit: int = LINE_LIMIT) -> str:
    """Return the text on one line, redacted and then cut to `limit` characters."""
    line = " ".join(redacted(text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def cause(error: BaseException) -> str:
    """Type and message of an error, on one bounded line."""
    return one_line(f"{type(error).__name__}: {error}".removesuffix(": "))


def utc_text(moment: datetime) -> str:
    """Write a moment as ISO 8601 in UTC, ending in ``Z``; one without an offset is in UTC already."""
    return as_utc(moment).isoformat().replace("+00:00", "Z")


def as_utc(moment: datetime) -> datetime:
    """Return the moment in UTC; one without an offset is in UTC already."""
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def did_you_mean(name: str, known: Sequence[str]) -> str:
    """A clause with the nearest names, or nothing when none is near."""
    from difflib import get_close_matches  # only errors need it: it is not free to import

    near = get_close_matches(name, known, n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(near)}?" if near else ""
