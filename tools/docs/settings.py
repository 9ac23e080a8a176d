"""Settings models as tables."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from reporting_framework.config.fields import fields_of, holds_secret
from tools.docs.docstrings import Undocumented, literal
from tools.docs.markdown import code, plain, table

WORDS = {
    str: "text",
    int: "integer",
    float: "number",
    bool: "boolean",
    bytes: "bytes",
    Any: "value",
}


def settings_table(
    model: type[BaseModel], variable: Callable[[str], str] | None = None
) -> str:
    """Return the fields of a settings model as a table; nested names are dotted.

    Args:
        model: The model.
        variable: Function that returns the environment variable of a field; without it,
            no variables are shown.

    Raises:
        Undocumented: A field has no description.
    """
    rows = [
        [
            code(name),
            _said(info, variable and variable(name)),
            _kind(info),
            _default(info),
        ]
        for name, info in _rows(model, "")
    ]
    return table(["setting", "", "type", "default"], rows) if rows else "No settings."


def _said(info: FieldInfo, variable: str | None) -> str:
    """Return the description, and the environment variable on a line below it."""
    return plain(literal(info.description or "")) + (
        f"<br>{code(variable)}" if variable else ""
    )


def _rows(model: type[BaseModel], within: str) -> Iterator[tuple[str, FieldInfo]]:
    for name, info in fields_of(model).items():
        if not info.description:
            raise Undocumented(
                f"setting {within}{name} of {model.__name__} has no description"
            )
        yield within + name, info
        for inner, inside in _models(info.annotation):
            if inner is not model and inner.model_config.get("extra") != "allow":
                yield from _rows(inner, f"{within}{name}.{inside}")


def _models(annotation: Any, inside: str = "") -> Iterator[tuple[type[BaseModel], str]]:
    """Yield the models in an annotation, each with its path."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation, inside
    origin, arguments = get_origin(annotation), get_args(annotation)
    within = "0." if origin in (list, tuple) else "NAME." if origin is dict else ""
    for argument in arguments[-1:] if origin is dict else arguments:
        yield from _models(argument, inside + within)


def _kind(info: FieldInfo) -> str:
    limits = [text for constraint in info.metadata for text in _limits(constraint)]
    return ", ".join([type_text(info.annotation), *limits])


def type_text(annotation: Any) -> str:
    """Return a type in words."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if hasattr(annotation, "__value__"):
        return type_text(annotation.__value__)
    if origin is Annotated:
        return type_text(arguments[0])
    if origin is Literal:
        return " or ".join(code(str(argument)) for argument in arguments)
    if origin in (Union, types.UnionType):
        return " or ".join(
            type_text(argument)
            for argument in arguments
            if argument is not types.NoneType
        )
    if origin in (list, tuple):
        return f"list of {_several(type_text(arguments[0]))}"
    if origin is dict:
        return f"table of {_several(type_text(arguments[1]))}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "plugin" if annotation.model_config.get("extra") == "allow" else "table"
    return WORDS.get(annotation) or str(annotation.__name__)


def _several(word: str) -> str:
    return f"{word}s" if word.isalpha() else word


def _limits(constraint: Any) -> Iterator[str]:
    words = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}
    for name, text in words.items():
        if (value := getattr(constraint, name, None)) is not None:
            if isinstance(value, timedelta):
                yield f"{text} {value.total_seconds():,g} seconds"
            else:
                yield f"{text} {value:,}"
    if getattr(constraint, "min_length", None):
        yield (
            "not empty"
            if constraint.min_length == 1
            else f"length at least {constraint.min_length}"
        )


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "required"
    value = info.default
    if value in (None, "", (), [], {}) or holds_secret(info.annotation):
        return ""
    if isinstance(value, BaseModel):
        return code(str(getattr(value, "use", "")))
    if isinstance(value, bool):
        return code(str(value).lower())
    return code(str(value)) if not isinstance(value, str) else code(f'"{value}"')
