"""Strict JSON: no duplicate keys, no NaN, no infinities."""

from __future__ import annotations

import json
from collections.abc import Collection
from functools import partial
from typing import Any, NoReturn

from jiter import from_json

_parse = partial(
    from_json, allow_inf_nan=False, cache_mode="keys", catch_duplicate_keys=True
)


JSON_INVALID = "json_invalid"


class NotStrict(ValueError):
    """Error of a payload that is not strict JSON.

    Attributes:
        error_type: ``duplicate_key`` or ``json_invalid``.
        key: Duplicate key of the record itself; `None` for a key of a nested object.
    """

    def __init__(self, error_type: str, key: str | None = None) -> None:
        super().__init__(error_type)
        self.error_type = error_type
        self.key = key


class _Members(list[tuple[str, Any]]):
    """Members of a JSON object, in their order."""

    @property
    def repeated(self) -> str | None:
        """First key that occurs a second time."""
        seen: set[str] = set()
        for key, _ in self:
            if key in seen:
                return key
            seen.add(key)
        return None


def parse_strict(payload: bytes) -> Any:
    """Parse a payload.

    A number beyond binary64 is an infinity.

    Raises:
        NotStrict: It is not JSON, an object has a duplicate key, or a number is NaN or
            an infinity.
    """
    try:
        return _parse(payload)
    except ValueError:
        try:
            from_json(payload, allow_inf_nan=False)
        except ValueError:
            raise NotStrict(JSON_INVALID) from None
        _find_fault(payload, ())
        raise NotStrict(JSON_INVALID) from None


def check_strict(payload: bytes, verbatim: Collection[str] = ()) -> None:
    """Check a payload for faults that pydantic's parser accepts.

    Args:
        payload: JSON that pydantic's parser accepted.
        verbatim: Members of the record that may hold objects with duplicate keys.

    Raises:
        NotStrict: An object has a duplicate key, or a number is NaN or an infinity.
    """
    try:
        _parse(payload)
    except ValueError:
        _find_fault(payload, verbatim)


def member_texts(payload: bytes, names: Collection[str]) -> dict[str, str]:
    """Return the JSON text of members of a record, unchanged from the payload.

    Returns an empty mapping if the payload is not an object.
    """
    from msgspec import Raw, ValidationError
    from msgspec.json import decode

    try:
        members = decode(payload, type=dict[str, Raw])
    except ValidationError:
        return {}
    return {name: bytes(members[name]).decode() for name in names if name in members}


def _find_fault(payload: bytes, verbatim: Collection[str]) -> None:
    """Raise the fault that the parser found, unless it is within a verbatim member."""
    # Numbers are not needed, and long ones cost the square of their length.
    record = json.loads(
        payload.decode(),
        object_pairs_hook=_Members,
        parse_constant=_refuse,
        parse_int=bool,
        parse_float=bool,
    )
    twice = record.repeated if isinstance(record, _Members) else None
    inner = (
        [value for key, value in record if key not in verbatim]
        if isinstance(record, _Members)
        else record
    )
    if twice is not None or _has_duplicate_key(inner):
        raise NotStrict("duplicate_key", twice)


def _has_duplicate_key(value: Any) -> bool:
    """Return whether an object in a value has a duplicate key."""
    if isinstance(value, _Members):
        return value.repeated is not None or any(
            _has_duplicate_key(nested) for _, nested in value
        )
    return isinstance(value, list) and any(map(_has_duplicate_key, value))


def _refuse(_constant: str) -> NoReturn:
    raise NotStrict(JSON_INVALID)
