"""Paths into JSON values: names with dots, ``$``, and ``[*]`` for each item.

Only what a path passes is decoded; values at its end stay raw, digit for digit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

_STEP = re.compile(r"(?:^|\.)([^.\[\]]+)|(\[\*\])")
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])

_TOO_DEEP = "lists and objects in one another, too many"


class JsonPath:
    """Path such as ``$``, ``data.items`` or ``data.edges[*].node``.

    Args:
        text: The path; a leading ``$.`` may be there.

    Raises:
        ValueError: It is not a path.
    """

    def __init__(self, text: str) -> None:
        rest = text.removeprefix("$").removeprefix(".")
        steps = [(name, each) for name, each in _STEP.findall(rest)]
        if "".join(f".{name}" if name else each for name, each in steps).lstrip(
            "."
        ) != rest or (not rest and text != "$"):
            raise ValueError(
                "not a path; use $ for the whole body, or names as in data.items or"
                " data.edges[*].node"
            )
        self._steps = [name or None for name, _ in steps]
        self.text = text

    def records(self, body: bytes | msgspec.Raw) -> list[msgspec.Raw] | None:
        """Return the items of the list at the path, or the object there as one item.

        Returns `None` if there is neither. A null counts as an empty list.

        Raises:
            ValueError: The body is not JSON.
        """
        try:
            found = list(self._walk(msgspec.Raw(body), self._steps))
            if None not in self._steps:
                return _as_records(found[0]) if found else None
            groups = map(_as_records, found)
            return [item for group in groups for item in group or ()]
        except RecursionError:
            raise ValueError(_TOO_DEEP) from None

    @property
    def has_each(self) -> bool:
        """True if items of several lists can be at the path."""
        return None in self._steps

    def outer_items(self, body: bytes) -> int:
        """Return the number of items of the first list that the path passes.

        The body has been read by `records` before.
        """
        steps = self._steps[: self._steps.index(None)]
        found = map(_as_records, self._walk(msgspec.Raw(body), steps))
        return sum(len(items or ()) for items in found)

    def value(self, body: bytes | msgspec.Raw) -> Any:
        """Return the (first) value at the path, `None` if there is none.

        Raises:
            ValueError: The body is not JSON.
        """
        try:
            raw = next(self._walk(msgspec.Raw(body), self._steps), None)
            return None if raw is None else _decoded(raw)
        except RecursionError:
            raise ValueError(_TOO_DEEP) from None

    def _walk(self, raw: msgspec.Raw, steps: list[str | None]) -> Iterator[msgspec.Raw]:
        for at, step in enumerate(steps):
            if step is None:
                if _first(raw) == b"[":
                    for item in _ITEMS.decode(raw):
                        yield from self._walk(item, steps[at + 1 :])
                return
            if _first(raw) != b"{":
                return
            inner = _MEMBERS.decode(raw).get(step)
            if inner is None:
                return
            raw = inner
        yield raw


def _decoded(raw: msgspec.Raw) -> Any:
    """Return a value; one with a number that is too large for a float as its text."""
    try:
        return msgspec.json.decode(raw)
    except msgspec.ValidationError:
        return bytes(raw).decode()


def _first(raw: msgspec.Raw) -> bytes:
    return bytes(memoryview(raw)[:64]).lstrip()[:1]


def _as_records(raw: msgspec.Raw) -> list[msgspec.Raw] | None:
    first = _first(raw)
    if first == b"[":
        return _ITEMS.decode(raw)
    if first == b"{":
        _MEMBERS.decode(raw)  # the whole is checked
        return [raw]
    return [] if msgspec.json.decode(raw) is None else None
