"""Fields of a pydantic model or a TypedDict, and their paths in records."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping, Sequence
from typing import (
    Annotated,
    Any,
    NotRequired,
    Required,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from pydantic import AliasChoices, AliasPath, BaseModel, ConfigDict
from pydantic.fields import FieldInfo
from typing_extensions import ReadOnly, TypedDict, is_typeddict

_QUALIFIERS = (Required, NotRequired, ReadOnly)


def is_model(candidate: Any) -> bool:
    """Return whether an object is a pydantic model or a TypedDict."""
    return is_typeddict(candidate) or (
        isinstance(candidate, type) and issubclass(candidate, BaseModel)
    )


def fields_of(model: Any) -> dict[str, Any]:
    """Return the types of the fields by name, in their order.

    Constraints are included (as `Annotated`).
    """
    if is_typeddict(model):
        return {
            name: _unqualified(hint)
            for name, hint in get_type_hints(model, include_extras=True).items()
        }
    if (
        not model.__pydantic_complete__
    ):  # its module was not imported to the end when the class was made
        model.model_rebuild()
    return {
        name: _annotated(info.annotation, info.metadata)
        for name, info in model.model_fields.items()
    }


def with_config(model: Any, config: ConfigDict) -> Any:
    """Return the same TypedDict with another configuration.

    Required fields are found in the resolved types: ``__required_keys__`` misses a
    `NotRequired` in a module with ``from __future__ import annotations``.
    """
    required: frozenset[str] = model.__required_keys__
    fields = {
        name: (Required if _is_required(hint, name in required) else NotRequired)[
            _unqualified(hint)
        ]
        for name, hint in get_type_hints(model, include_extras=True).items()
    }
    # a call, as its documentation has it, which type checkers only take with literals
    make: Any = TypedDict
    copy = make(model.__name__, fields)
    copy.__pydantic_config__ = {**getattr(model, "__pydantic_config__", {}), **config}
    return copy


def has_alias(model: Any, name: str) -> bool:
    """Return whether records may use another key for a field."""
    return any(True for _ in _aliases(model, name, fields_of(model)[name]))


class FieldPaths:
    """Paths in records, reduced to declared field names.

    Names that only the record has are never returned.

    Args:
        model: The model of the records.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self._known: dict[Any, dict[str, tuple[str, Any]]] = {}

    def declared(self, path: Sequence[int | str]) -> str | None:
        """Return the dotted field names along a path of keys and list indices.

        The names end before the first key that no model declares.
        """
        model: Any = self._model
        names: list[str] = []
        for segment in path:
            if isinstance(segment, int):
                continue
            name, model = self._fields(model).get(segment, (None, None))
            if name is None:
                break
            names.append(name)
        return ".".join(names) or None

    def _fields(self, model: Any) -> dict[str, tuple[str, Any]]:
        """Return the name and the model of each field, by each key of the field.

        A field may have several keys in records.
        """
        if model is None:
            return {}
        if model not in self._known:
            self._known[model] = {
                key: (name, _model_in(hint))
                for name, hint in fields_of(model).items()
                for key in (name, *_aliases(model, name, hint))
            }
        return self._known[model]


def _is_required(hint: Any, otherwise: bool) -> bool:
    while get_origin(hint) in _QUALIFIERS:
        if get_origin(hint) is not ReadOnly:
            return get_origin(hint) is Required
        (hint,) = get_args(hint)
    return otherwise


def _unqualified(hint: Any) -> Any:
    """Return the type without `Required`, `NotRequired` and `ReadOnly`."""
    while get_origin(hint) in _QUALIFIERS:
        (hint,) = get_args(hint)
    return hint


def _annotated(annotation: Any, metadata: Sequence[Any]) -> Any:
    for item in metadata:
        annotation = Annotated[annotation, item]
    return annotation


def _aliases(model: Any, name: str, hint: Any) -> Iterator[str]:
    """Yield other keys that records may use for a field.

    For a path into a nested object, it is the first key.
    """
    infos = (
        [
            item
            for item in getattr(hint, "__metadata__", ())
            if isinstance(item, FieldInfo)
        ]
        if is_typeddict(model)
        else [model.model_fields[name]]
    )
    for info in infos:
        alias = info.validation_alias or info.alias
        for one in alias.choices if isinstance(alias, AliasChoices) else [alias]:
            key = one.path[0] if isinstance(one, AliasPath) else one
            if isinstance(key, str):
                yield key


def _model_in(hint: Any) -> Any:
    """Return the model of a field's value or of its list's items.

    Returns `None` for a mapping, as its keys come from the record.
    """
    origin, members = (
        get_origin(hint),
        [argument for argument in get_args(hint) if argument is not types.NoneType],
    )
    if origin is Annotated:
        return _model_in(members[0])
    if origin in (Union, types.UnionType):
        return _model_in(members[0]) if len(members) == 1 else None
    if (
        isinstance(origin, type)
        and issubclass(origin, Sequence)
        and not issubclass(origin, Mapping)
    ):
        kinds = [member for member in members if member is not Ellipsis]
        return _model_in(kinds[0]) if len(kinds) == 1 else None
    return hint if is_model(hint) else None
