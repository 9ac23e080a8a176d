"""Wording of messages: one short line, similar names, no secret of a URI."""

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
"""Error of the operating system in the text of a Rust library, which has no errno."""

WORKER_FRAMES = "_worker_frames"
"""Attribute of an error of a worker process: the lines of code that it went through
there, as text.
"""

TEMPORARY_PREFIX = "reporting-locked-"
"""Prefix of all names in the system's temporary folder."""

SYSTEM_FIXES = {
    errno.ENOSPC: "make room there",
    errno.EDQUOT: "make room there, or have the quota raised",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
    errno.ENFILE: "raise the system's limit of open files (fs.file-max)",
    errno.ENOMEM: "give the process more memory",
    errno.EROFS: "choose a location that can be written to",
}
"""Fixes for errors of the operating system."""

PLACE_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
"""Errors of the location written to; temporary files may use another location."""

LINE_LIMIT = 240
"""Maximum length of foreign text in a message, in characters, by default."""


def redacted(text: str) -> str:
    """Remove user info and query strings from every URI in a text.

    They may hold passwords, tokens and signatures.
    """
    if ":/" not in text:
        return text
    return _QUERY.sub(r"\1", _USER_INFO.sub("", text))


def one_line(text: str, limit: int = LINE_LIMIT) -> str:
    """Return the text on one line, redacted and then cut to `limit` characters."""
    line = " ".join(redacted(text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def cause(error: BaseException) -> str:
    """Return type and message of an error, on one short line."""
    return one_line(f"{type(error).__name__}: {message_of(error)}".removesuffix(": "))


def message_of(error: BaseException) -> str:
    """Return the message of a foreign error; empty if the error cannot produce one."""
    try:
        return str(error)
    except Exception:
        return ""


def utc_text(moment: datetime, sep: str = "T", timespec: str = "auto") -> str:
    """Return a time as ISO 8601 in UTC, ending in ``Z``.

    A time without an offset counts as UTC.
    """
    return as_utc(moment).isoformat(sep, timespec).replace("+00:00", "Z")


def as_utc(moment: datetime) -> datetime:
    """Return the time in UTC; a time without an offset counts as UTC."""
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def system_problem(error: BaseException, only: Collection[int] = ()) -> str | None:
    """Return the operating system's problem and its fix.

    Return `None` if the error is not from the operating system. The file is not named;
    for a temporary file the fix also names TMPDIR.

    Args:
        error: The error.
        only: Error numbers to look for; empty: any.
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


def did_you_mean(name: str, known: Sequence[str], prefix: str = "") -> str:
    """Return a clause with similar names, or an empty text if there are none.

    Args:
        name: The unknown name.
        known: The known names.
        prefix: Beginning of all names, which is left out of the comparison.
    """
    from difflib import (
        get_close_matches,
    )  # imported late: only errors need it, and the import takes time

    rests = [each.removeprefix(prefix) for each in known]
    near = get_close_matches(name.removeprefix(prefix), rests, n=3, cutoff=0.6)
    near = [prefix + rest for rest in near]
    return f"; did you mean {' or '.join(near)}?" if near else ""
