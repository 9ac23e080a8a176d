"""Faults that pydantic's JSON parser lets through: repeated keys, NaN, infinities."""

from __future__ import annotations

import json
from collections.abc import Collection
from functools import partial
from typing import Any, NoReturn

from jiter import from_json

_parse = partial(
    from_json, allow_inf_nan=False, cache_mode="keys", catch_duplicate_keys=True
)


class NotStrict(ValueError):
    """A payload that pydantic's parser takes and that is not JSON as it should be.

    Attributes:
        error_type: ``duplicate_key`` or ``json_invalid``.
        key: The key of the record itself that is there twice; None when it is one of a
            nested object.
    """

    def __init__(self, error_type: str, key: str | None = None) -> None:
        super().__init__(error_type)
        self.error_type = error_type
        self.key = key


class _Members(list[tuple[str, Any]]):
    """Members of a JSON object, in their order."""

    @property
    def repeated(self) -> str | None:
        """The first key that is there a second time."""
        seen: set[str] = set()
        for key, _ in self:
            if key in seen:
                return key
            seen.add(key)
        return None


def check_strict(payload: bytes, verbatim: Collection[str] = ()) -> None:
    """Check what pydantic's parser does not.

    Args:
        payload: JSON that pydantic's parser took.
        verbatim: Members of the record within which a key may be there twice.

    Raises:
        NotStrict: An object in it has a key twice, or a number is NaN or an infinity.
    """
    try:
        _parse(payload)
    except ValueError:
        _find_fault(payload, verbatim)


def member_texts(payload: bytes, names: Collection[str]) -> dict[str, str]:
    """Return the text of members of a record, as it is in the payload.

    Of none if the payload is no object.
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
    """Whether an object in a value has a key twice."""
    if isinstance(value, _Members):
        return value.repeated is not None or any(
            _has_duplicate_key(nested) for _, nested in value
        )
    return isinstance(value, list) and any(map(_has_duplicate_key, value))


def _refuse(_constant: str) -> NoReturn:
    raise NotStrict("json_invalid")
