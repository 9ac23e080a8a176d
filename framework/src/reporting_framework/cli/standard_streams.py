"""Standard output and standard error with escaped characters.

Names from outside are escaped, never shortened or dropped.
"""

from __future__ import annotations

import codecs
import re
import sys
from contextlib import suppress
from io import TextIOWrapper

_ESCAPE = "reporting-escape"
_CONTROLS = re.compile(r"(?P<kept>\n|\x1b\[[0-9;]*m)|[\x00-\x1f\x7f-\x9f]")
"""Control characters; a terminal gets only line ends and colors unescaped."""


def escape_unencodable() -> None:
    """Make both streams escape characters that their encoding lacks.

    Otherwise they would raise in the middle of a result. The escapes are JSON's, so
    that JSON output stays valid.
    """
    codecs.register_error(_ESCAPE, _escape_error)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            with suppress(ValueError):  # the stream is closed
                stream.reconfigure(errors=_ESCAPE)


def for_stdout(text: str) -> str:
    """Return the text in a form that is safe for standard output.

    On a terminal, control characters except colors and line ends are escaped.
    """
    return (
        _CONTROLS.sub(_escape_match, text)
        if sys.stdout is not None and sys.stdout.isatty()
        else text
    )


def use_table_lines() -> bool:
    """Return true if tables get lines and colors: stdout is a Unicode terminal."""
    if sys.stdout is None or not sys.stdout.isatty():
        return False
    return codecs.lookup(sys.stdout.encoding or "utf-8").name.startswith("utf")


def escape_control_chars(text: str) -> str:
    """Escape control characters, which a terminal would interpret.

    Names of objects come from outside.
    """
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode()
        for char in text
    )


def printable_lines(text: str) -> str:
    """Apply `escape_control_chars` to each line if stdout is a terminal."""
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
