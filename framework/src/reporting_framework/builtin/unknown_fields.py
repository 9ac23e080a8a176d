"""Fields that a model does not declare: counted by name, or kept as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic_core import to_json

OTHER = "(other)"
"""Placeholder for names that are not shown: unusual names, which may be data, and names
beyond `NAMES_KEPT`.
"""

NAMES_KEPT = 100
"""Number of names that are counted separately in a batch, the most frequent first."""

_AS_PARSED = frozenset({str, int, bool, type(None)})
"""Types whose JSON text is always the same, except ``-0``."""

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}\Z")


class IgnoredFields:
    """Counter of the fields that were left out of a batch's records."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def add(self, names: Iterable[str]) -> None:
        """Count one record's unknown fields."""
        for name in names:
            self._counts[name] = self._counts.get(name, 0) + 1

    def counts_by_name(self) -> Mapping[str, int]:
        """Return the counts by name, with `OTHER` for names that are not shown."""
        plain = {
            name: count
            for name, count in self._counts.items()
            if _IDENTIFIER.match(name)
        }
        kept = dict(
            sorted(plain.items(), key=lambda item: (-item[1], item[0]))[:NAMES_KEPT]
        )
        others = sum(self._counts.values()) - sum(kept.values())
        return {**kept, OTHER: others} if others else kept


class _Number(str):
    """Digits of a number, unchanged from the payload."""

    __slots__ = ()


_read = json.JSONDecoder(parse_int=_Number, parse_float=_Number).decode


def as_written(fields: Mapping[str, Any], payload: bytes) -> str:
    """Return fields of a record as JSON without spaces, sorted by name.

    Each number has the digits of the payload.

    Args:
        fields: Parsed fields.
        payload: The record; it is parsed again if the payload may write a number of the
            fields differently.
    """
    if not _AS_PARSED.issuperset(map(type, fields.values())) or b"-0" in payload:
        pairs = _read(payload.decode())
        if isinstance(pairs, dict):  # else a model made an object of something else
            fields = {name: pairs.get(name, value) for name, value in fields.items()}
    return _json(dict(sorted(fields.items())))


def _json(value: Any) -> str:
    if isinstance(value, _Number):
        return value
    if isinstance(value, dict):
        return (
            "{"
            + ",".join(
                f"{_json(name)}:{_json(nested)}" for name, nested in value.items()
            )
            + "}"
        )
    if isinstance(value, list):
        return "[" + ",".join(map(_json, value)) + "]"
    return to_json(value, by_alias=False).decode()
