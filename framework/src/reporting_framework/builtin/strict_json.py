"""What pydantic's JSON parser lets through and JSON does not have, or leaves open: repeated keys, NaN and infinities.

Parsing every payload a second time would double the cost of validation. So a payload is parsed again only when counting
cannot rule a repeated key out: a key's closing quote is followed by a colon, and where no colon follows a blank, there
are at least as many ``":`` in a payload as members in all its objects: just as many, and no key is there twice.
"""

from __future__ import annotations

import json
import re
import types
from collections.abc import Collection, Iterable, Iterator, Sequence
from math import inf
from typing import Any, NoReturn

import polars as pl

KEY_END = b'":'
"""What ends a key; also to be found in strings and in nested objects, so its number only has an upper bound."""

_MANY = 2**62
"""More members than any payload has."""

_SPACED = r'"[ \t\r\n]+:'
_BLANKS = re.compile(r"[ \t\r\n]*")
_PLAIN = frozenset({str, int, bool, types.NoneType})


class NotStrict(ValueError):
    """A payload that the parser takes and that is not JSON as it should be.

    Attributes:
        error_type: ``duplicate_key`` or ``json_invalid``.
        key: The key of the record itself that is there twice; None when it is one of a nested object.
    """

    def __init__(self, error_type: str, key: str | None = None) -> None:
        super().__init__(error_type)
        self.error_type = error_type
        self.key = key


def spaced_colons(payloads: Sequence[bytes]) -> list[bool]:
    """For each payload whether a blank may come before a colon: counting `KEY_END` then says nothing about its keys."""
    texts = [payload.decode(errors="replace") for payload in payloads]
    return pl.Series(texts, dtype=pl.String).str.contains(_SPACED).to_list()  # a fifth of what `re` takes


def is_plain(values: Iterable[Any]) -> bool:
    """Whether NaN or an infinity can neither be among the values of a JSON object nor be inside one of them."""
    return _PLAIN.issuperset(map(type, values))


def members(values: Iterable[Any]) -> int:
    """How many members all JSON objects within these values have, if that can be told; else less than that.

    A float that is no number makes it -1 at the most: it must be looked for in the payload.
    """
    found = 0
    for value in values:
        kind = type(value)
        if kind is dict:
            found += len(value) + members(value.values())
        elif kind is list:
            found += members(value)
        elif kind is float and not -inf < value < inf:
            found -= _MANY
    return found


def check_strict(payload: bytes, verbatim: Collection[str] = ()) -> dict[str, str]:
    """Parse a payload that the parser took before, once more and exactly.

    Args:
        payload: JSON.
        verbatim: Members of the record within which a key may be there twice.

    Returns:
        The text of those members, as it is in the payload.

    Raises:
        NotStrict: An object in it has a key twice, or a number is NaN or an infinity.
    """
    texts: dict[str, str] = {}
    twice: str | None = None
    inside = False
    for key, text, repeated in _members_of(payload.decode()):
        if twice is None and key in texts:
            twice = key
        inside |= repeated and key not in verbatim
        texts[key] = text
    if twice is not None or inside:
        raise NotStrict("duplicate_key", twice)
    return {key: texts[key] for key in verbatim if key in texts}


def _members_of(text: str) -> Iterator[tuple[str, str, bool]]:
    """The key of each member of a record, the text of its value, and whether an object in that has a key twice."""
    repeated = False

    def counted(pairs: list[tuple[str, Any]]) -> None:
        nonlocal repeated
        repeated |= len({key for key, _ in pairs}) < len(pairs)

    # Numbers are not needed, and long ones cost the square of their length.
    read = json.JSONDecoder(
        object_pairs_hook=counted, parse_constant=_refuse, parse_int=bool, parse_float=bool
    ).raw_decode
    at = _after_blanks(text, 0)
    if text[at] != "{":  # a model may make something of it all the same
        read(text, at)
        yield "", text, repeated
        return
    at = _after_blanks(text, at + 1)
    while text[at] != "}":
        key, at = read(text, at)
        begin = _after_blanks(text, _after_blanks(text, at) + 1)
        repeated = False
        _, end = read(text, begin)
        yield key, text[begin:end], repeated
        at = _after_blanks(text, end)
        at = _after_blanks(text, at + 1) if text[at] == "," else at


def _after_blanks(text: str, at: int) -> int:
    found = _BLANKS.match(text, at)
    return found.end() if found else at


def _refuse(_constant: str) -> NoReturn:
    raise NotStrict("json_invalid")
