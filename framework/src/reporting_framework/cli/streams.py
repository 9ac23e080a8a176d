"""Standard output and standard error, whatever they can show.

Of names that come from outside nothing is lost.
"""

from __future__ import annotations

import codecs
import re
import sys
from contextlib import suppress
from io import TextIOWrapper

_ESCAPE = "reporting-escape"
_CONTROLS = re.compile(r"(?P<kept>\n|\x1b\[[0-9;]*m)|[\x00-\x1f\x7f-\x9f]")
"""Control characters, and what a terminal gets of them: ends of lines and colors."""


def escape_unencodable() -> None:
    """Make both streams escape what their encoding does not have.

    Else they would raise in the middle of a result.

    Escapes are those of JSON, so that JSON stays JSON.
    """
    codecs.register_error(_ESCAPE, _escape_error)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            with suppress(ValueError):  # it is closed
                stream.reconfigure(errors=_ESCAPE)


def for_stdout(text: str) -> str:
    """Return the text as standard output may have it.

    On a terminal it is without control characters that the terminal would obey, but for
    colors.
    """
    return (
        _CONTROLS.sub(_escape_match, text)
        if sys.stdout is not None and sys.stdout.isatty()
        else text
    )


def use_table_lines() -> bool:
    """Return whether to draw tables with lines and colors.

    They are for a terminal that can show them.
    """
    if sys.stdout is None or not sys.stdout.isatty():
        return False
    return codecs.lookup(sys.stdout.encoding or "utf-8").name.startswith("utf")


def escape_control_chars(text: str) -> str:
    """Return the text without what a terminal would obey.

    Names of objects come from outside.
    """
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode()
        for char in text
    )


def printable_lines(text: str) -> str:
    """Lines of data; on a terminal each is `escape_control_chars`."""
    return (
        "\n".join(map(escape_control_chars, text.split("\n")))
        if sys.stdout.isatty()
        else text
    )


def _escape_match(match: re.Match[str]) -> str:
    return match["kept"] or f"\\u{ord(match[0]):04x}"


def _escape_error(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass")
    return (
        "".join(
            f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2)
        ),
        error.end,
    )
