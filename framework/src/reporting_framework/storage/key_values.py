"""Values of columns as parts of keys, percent-encoded."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

NULL = "~null"
"""Encoding of a null; no value has this encoding, as a tilde is encoded too."""

HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"
"""Encoding of a null in a Hive folder name, ``NAME={column}``, which readers of such
names know.
"""

EMPTY = "~empty"
"""Encoding of an empty text."""

LONGEST = 128
"""Longest encoded value, in characters; the rest of a longer value is hashed."""

HASH = 65
"""Length of a hash with its separator, in characters."""

_HEAD = re.compile(r"(?:%..|[^%])*")


def encode(value: Any, apart: Iterable[str] = (), longest: int = LONGEST) -> str:
    """Return a value as one segment of a key, or a part of it.

    The result is never empty, hidden, ``..``, too long, or more than one segment.

    Args:
        value: The value; values that differ as text are encoded differently.
        apart: Characters of `-_.` that are encoded too, as they separate two columns of
            one segment.
        longest: Maximum number of characters of the result.
    """
    if value is None:
        return NULL
    text = quote(str(value), safe="").replace("~", "%7E")
    for character in apart:
        text = text.replace(character, f"%{ord(character):02X}")
    if text[:1] in ("_", "."):
        text = f"%{ord(text[0]):02X}{text[1:]}"
    if len(text) > longest and (head := _HEAD.match(text[: min(longest - HASH, 60)])):
        text = f"{head.group()}~{hashlib.sha256(text.encode()).hexdigest()}"
    return text or EMPTY
