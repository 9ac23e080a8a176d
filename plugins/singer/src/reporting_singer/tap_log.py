"""Log of a tap (its stderr): counted by level and logger; text only if asked for."""

from __future__ import annotations

import json
import logging
import re
from collections import Counter
from typing import Any

MAX_LINE = 64 * 1024
"""Maximum number of bytes of a line that are looked at."""

MAX_NAMES = 50
"""Maximum number of different loggers that are counted separately."""

_LEVELS = {
    "DEBUG": logging.DEBUG,
    "INFO": logging.INFO,
    "WARNING": logging.WARNING,
    "WARN": logging.WARNING,
    "ERROR": logging.ERROR,
    "CRITICAL": logging.CRITICAL,
    "FATAL": logging.CRITICAL,
}
_LEVEL = "|".join(_LEVELS)
_SDK = re.compile(rf"[^|]*\|\s*({_LEVEL})\s*\|\s*([A-Za-z0-9_.-]{{1,80}})\s*\|")
_PLAIN = re.compile(rf"(?:time=\S+ name=(\S{{1,80}}) level=)?({_LEVEL})\b")

_RAISED = re.compile(r"([A-Za-z_][A-Za-z0-9_.]{0,100}(?:Error|Exception|Exit))(?::|$)")

_log = logging.getLogger(__name__)


class TapLog:
    """Lines that a tap writes to stderr.

    Args:
        tap: Name of the tap.
        show: Whether to log the text of the lines.
    """

    def __init__(self, tap: str, *, show: bool) -> None:
        self._tap, self._show = tap, show
        self._rest = b""
        self._counts: Counter[tuple[str, str]] = Counter()
        self._raised = ""

    def add(self, data: bytes) -> None:
        """Take what the tap has written; no bytes: it has ended."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > MAX_LINE or (not data and self._rest):
            lines, self._rest = [*lines, self._rest], b""
        for line in lines:
            self._add_line(line[:MAX_LINE])

    def summary(self) -> str:
        """Return levels, loggers and numbers of lines, the most severe first.

        The type of an exception that has ended the tap comes before them.
        """
        counts = sorted(
            self._counts.items(), key=lambda item: (-_LEVELS[item[0][0]], item[0])
        )
        parts = [
            f"{count} {level}{f' of {name}' if name else ''}"
            for (level, name), count in counts[:10]
        ]
        if self._raised:
            parts.insert(0, f"an exception of the type {self._raised}")
        return ", ".join(parts)

    def _add_line(self, line: bytes) -> None:
        text = line.decode("utf-8", "replace").strip()
        level, name = _level_and_name(text)
        if level is None:
            if match := _RAISED.match(text):
                self._raised = match[1]
            if self._show and text:
                _log.info("%s: %s", self._tap, text)
            return
        if (level, name) not in self._counts and len(self._counts) >= MAX_NAMES:
            name = ""
        self._counts[level, name] += 1
        if self._show:
            _log.log(_LEVELS[level], "%s: %s", self._tap, text)


def _level_and_name(text: str) -> tuple[str | None, str]:
    """Return level and logger of a line; `None`: the line continues another one."""
    if match := _SDK.match(text):
        return match[1], match[2]
    if match := _PLAIN.match(text):
        return match[2], match[1] or ""
    if text.startswith("{"):
        try:
            entry: Any = json.loads(text)
        except (ValueError, RecursionError):
            return None, ""
        level = str(entry.get("level", entry.get("levelname", ""))).upper()
        name = entry.get("logger_name", entry.get("logger", entry.get("name", "")))
        known = isinstance(name, str) and re.fullmatch(r"[A-Za-z0-9_.-]{1,80}", name)
        return (level if level in _LEVELS else None), (name if known else "")
    return None, ""
