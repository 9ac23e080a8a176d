"""Fields of a settings model: their kinds, and their values from text."""

from __future__ import annotations

import enum
import json
import types
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import PurePath
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretBytes, SecretStr

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

Kind = Literal[
    "text", "secret", "boolean", "integer", "number", "choice", "list", "table", "other"
]

_KINDS: tuple[tuple[type[Any] | tuple[type[Any], ...], Kind], ...] = (
    ((SecretStr, SecretBytes), "secret"),
    (bool, "boolean"),
    (enum.Enum, "choice"),
    (int, "integer"),
    ((float, Decimal), "number"),
    ((str, bytes, PurePath), "text"),
    ((BaseModel, Mapping), "table"),
    ((Sequence, AbstractSet), "list"),
)

_METAVARS: dict[Any, str] = {datetime: "TIMESTAMP", date: "DATE", timedelta: "DURATION"}


def fields_of(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Return a model's fields by the names that set them."""
    return {info.alias or name: info for name, info in model.model_fields.items()}


def core(annotation: Any) -> Any:
    """Return the annotation without `Annotated`, type aliases and ``| None``."""
    while True:
        origin = get_origin(annotation)
        if origin is Annotated:
            annotation = get_args(annotation)[0]
        elif hasattr(annotation, "__value__"):
            annotation = annotation.__value__
        elif origin in (Union, types.UnionType):
            members = [
                argument
                for argument in get_args(annotation)
                if argument is not type(None)
            ]
            if len(members) != 1:
                return annotation
            annotation = members[0]
        else:
            return annotation


def kind_of(annotation: Any) -> Kind:
    """Return the kind of a field."""
    stripped = core(annotation)
    origin = get_origin(stripped)
    if origin is Literal:
        return "choice"
    if origin in (Union, types.UnionType):
        kinds = {
            kind_of(argument)
            for argument in get_args(stripped)
            if argument is not type(None)
        }
        return (
            kinds.pop()
            if len(kinds) == 1 and kinds <= {"text", "secret", "list", "table"}
            else "other"
        )
    candidate = origin or stripped
    if isinstance(candidate, type):
        return next(
            (kind for types_, kind in _KINDS if issubclass(candidate, types_)), "other"
        )
    return "other"


def item_of(annotation: Any) -> Any:
    """Return the annotation of a list's items."""
    arguments = [
        argument for argument in get_args(core(annotation)) if argument is not Ellipsis
    ]
    return arguments[0] if arguments else Any


def choices_of(annotation: Any) -> dict[str, Any]:
    """Return the values of a `Literal` or an enumeration, by their text."""
    stripped = core(annotation)
    if get_origin(stripped) is Literal:
        return {str(value): value for value in get_args(stripped)}
    return {str(member.value): member.value for member in stripped}


def metavar_of(annotation: Any) -> str:
    """Return the placeholder for the value in ``--help``."""
    stripped = core(annotation)
    if isinstance(stripped, type) and issubclass(stripped, PurePath):
        return "PATH"
    return _METAVARS.get(stripped) or {"list": "VALUE", "other": "VALUE"}.get(
        kind := kind_of(stripped), kind.upper()
    )


def annotation_at(model: type[BaseModel], path: Sequence[str]) -> Any:
    """Return the annotation at a path of names and positions.

    In a union, that is the union of what its members have there. Return None if the
    model has no annotation there.
    """
    here: Any = model
    for number, segment in enumerate(path):
        here = core(here)
        if get_origin(here) in (Union, types.UnionType):
            below = [annotation_at(each, path[number:]) for each in get_args(here)]
            found = tuple(each for each in below if each is not None)
            return Union[found] if found else None  # noqa: UP007
        kind = kind_of(here)
        if isinstance(here, type) and issubclass(here, BaseModel):
            field = fields_of(here).get(segment)
            here = field.annotation if field else None
        elif kind == "list" and segment.isdecimal():
            here = item_of(here)
        elif kind == "table":
            here = (*get_args(here), None)[1] if get_origin(here) else None
        else:
            return None
        if here is None:
            return None
    return here


def holds_secret(annotation: Any, seen: frozenset[Any] = frozenset()) -> bool:
    """Return whether a value of this annotation is or contains a secret."""
    stripped = core(annotation)
    if kind_of(stripped) == "secret":
        return True
    if (
        isinstance(stripped, type)
        and issubclass(stripped, BaseModel)
        and stripped not in seen
    ):
        return any(
            holds_secret(info.annotation, seen | {stripped})
            for info in fields_of(stripped).values()
        )
    return any(holds_secret(argument, seen) for argument in get_args(stripped))


def from_text(annotation: Any, text: str) -> Any:
    """Return the value of an environment variable's or option's text.

    Lists are JSON or separated by commas, tables are JSON; other text stays text, which
    pydantic converts.

    Args:
        annotation: The field's annotation, or None if it is not known.
        text: The text.

    Raises:
        ValueError: The text begins like JSON but is not valid.
    """
    kind = kind_of(annotation) if annotation is not None else None
    if kind == "choice":
        return choices_of(annotation).get(text, text)
    if kind in ("list", "table") and text.lstrip()[:1] in ("[", "{"):
        return json.loads(text)
    if kind == "list":
        return [
            from_text(item_of(annotation), part.strip())
            for part in text.split(",")
            if part.strip()
        ]
    if kind is None and text[:1] in ("[", "{"):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return text
    return text


def from_set(annotation: Any, text: str) -> Any:
    """Return the value in ``--set path=value``.

    It is parsed as TOML; text that is not TOML stays text. For a field of text, a TOML
    value other than a string stays text too.
    """
    value = _toml(text)
    kind = kind_of(annotation) if annotation is not None else None
    if kind in ("text", "secret"):
        return value if isinstance(value, str) else text
    if kind in ("choice", "list") and isinstance(value, str):
        return from_text(annotation, value)
    return value


def _toml(text: str) -> Any:
    """Return the text as a TOML value; the text itself if it is not TOML.

    In an inline table a comment cannot hide the rest: ``1#2`` stays text.
    """
    import tomllib  # most settings are plain texts

    try:
        parsed = tomllib.loads(f"v = {{ v = {text} }}")
    except (ValueError, RecursionError):
        return text
    return (
        parsed["v"]["v"]
        if parsed.keys() == {"v"} and parsed["v"].keys() == {"v"}
        else text
    )
