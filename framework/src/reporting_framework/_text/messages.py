"""The wording of messages: one bounded line, the nearest names, no secret of a URI."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Collection, Sequence
from datetime import UTC, datetime

_USER_INFO = re.compile(
    r"""(?:(?<=://)|(?<=\w\w:/)(?!/))(?:
        # user:password, up to the last @ before the path
        [^\s/?\#'"<>]*
        # a password that holds a slash; a bucket has no port, a host may have one
        | (?<=s3://)[^\s/:@\['"<>]+:[^\s@'"<>]*
        | [^\s/:@\['"<>]*:(?!\d{1,5}/)[^\s@'"<>]*
    )@""",
    re.VERBOSE,
)
_QUERY = re.compile(
    r"""\b(
        https?://[^\s?\#'"<>]*(?=[?\#])
        # a key in a bucket may hold a question mark
        | [a-z][a-z0-9+.-]*://[^\s?'"<>]*(?=\?[^\s=]*=)
    )[?\#][^\s'"<>]*?(?=[:;,.)\]}]*(?:[\s'"<>\\]|$))""",
    re.VERBOSE | re.IGNORECASE,
)

_SYSTEM_ERROR = re.compile(r"\(os error (\d+)\)|\bOs \{ code: (\d+),")
"""An error of the operating system in the text of a library in Rust, which keeps no
errno.
"""

TEMPORARY_PREFIX = "reporting-locked-"
"""What all names in the system's temporary folder begin with."""

SYSTEM_FIXES = {
    errno.ENOSPC: "make room there",
    errno.EDQUOT: "make room there, or have the quota raised",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
    errno.ENFILE: "raise the system's limit of open files (fs.file-max)",
    errno.ENOMEM: "give the process more memory",
    errno.EROFS: "choose a place that can be written",
}
"""What to do about errors of the operating system."""

PLACE_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
"""Errors of the place that was written to; temporary files may have another place."""

LINE_LIMIT = 240
"""Longest foreign text in a message, in characters, unless told otherwise."""


def redacted(text: str) -> str:
    """Remove user info and query strings from every URI in a text.

    Passwords, tokens and signatures are there.
    """
    if ":/" not in text:
        return text
    return _QUERY.sub(r"\1", _USER_INFO.sub("", text))


def one_line(text: str, limit: int = LINE_LIMIT) -> str:
    """Return the text on one line, redacted and then cut to `limit` characters."""
    line = " ".join(redacted(text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def cause(error: BaseException) -> str:
    """Type and message of an error, on one bounded line."""
    return one_line(f"{type(error).__name__}: {message_of(error)}".removesuffix(": "))


def message_of(error: BaseException) -> str:
    """Return the message of a foreign error; empty if the error fails to make one."""
    try:
        return str(error)
    except Exception:
        return ""


def utc_text(moment: datetime, sep: str = "T", timespec: str = "auto") -> str:
    """Write a moment as ISO 8601 in UTC, ending in ``Z``.

    One without an offset is in UTC already.
    """
    return as_utc(moment).isoformat(sep, timespec).replace("+00:00", "Z")


def as_utc(moment: datetime) -> datetime:
    """Return the moment in UTC; one without an offset is in UTC already."""
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def system_problem(error: BaseException, only: Collection[int] = ()) -> str | None:
    """Return what the operating system says went wrong and what to do about it.

    Return `None` if it was not an error of the operating system. The file is not named,
    but for a temporary one the advice is to set TMPDIR, too.

    Args:
        error: The error.
        only: Numbers to look for; empty: any.
    """
    number = system_number(error)
    if number is None or (only and number not in only):
        return None
    fix = SYSTEM_FIXES.get(number)
    temporary = f"{os.sep}{TEMPORARY_PREFIX}" in str(getattr(error, "filename", ""))
    if temporary and number in PLACE_ERRORS:
        fix = f"{fix}, or set TMPDIR to another folder"
    return f"{os.strerror(number)}; {fix}" if fix else os.strerror(number)


def system_number(error: BaseException) -> int | None:
    """Return the operating system's number of an error, or None if it has none."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    match = _SYSTEM_ERROR.search(message_of(error))
    return int(match[1] or match[2]) if match else None


def did_you_mean(name: str, known: Sequence[str]) -> str:
    """A clause with the nearest names, or nothing when none is near."""
    from difflib import (
        get_close_matches,
    )  # only errors need it: it is not free to import

    near = get_close_matches(name, known, n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(near)}?" if near else ""
