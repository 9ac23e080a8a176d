"""Facts about a model's fields: descriptions, choices, nullability."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import ConfigDict, TypeAdapter
from pydantic.errors import PydanticInvalidForJsonSchema
from typing_extensions import is_typeddict

from reporting_framework.builtin.model_fields import with_config
from reporting_framework.plugin_api.validator import ColumnFacts


def facts_of(model: Any, names: Iterable[str]) -> dict[str, ColumnFacts]:
    """Return facts about fields of a model, from pydantic's JSON schema of it.

    Returns an empty mapping if pydantic cannot make a schema.
    """
    checked_model = with_config(model, ConfigDict()) if is_typeddict(model) else model
    try:
        schema = TypeAdapter(checked_model).json_schema(
            by_alias=False, mode="serialization"
        )
    except PydanticInvalidForJsonSchema:
        return {}
    definitions = schema.get("$defs", {})
    (whole,) = _resolved(schema, definitions)
    properties, required = whole.get("properties", {}), set(whole.get("required", ()))
    return {
        name: _fact(properties[name], definitions, required=name in required)
        for name in names
        if name in properties
    }


def _fact(
    field: Mapping[str, Any], definitions: Mapping[str, Any], *, required: bool
) -> ColumnFacts:
    options = list(_options(field, definitions))
    some = [option for option in options if option.get("type") != "null"]
    values: list[Any] = []
    for option in some:
        values += option.get("enum", [option["const"]] if "const" in option else [])
    known = all("enum" in option or "const" in option for option in some)
    may_be_null = (
        len(some) < len(options)
        or None in values
        or not all(_constrains_value(option) for option in some)
    )
    texts = tuple(value for value in values if value is not None)
    chosen = texts if known and all(isinstance(value, str) for value in texts) else ()
    lacking = not required and field.get("default") is None
    return ColumnFacts(
        " ".join(field.get("description", "").split()), may_be_null or lacking, chosen
    )


def _constrains_value(option: Mapping[str, Any]) -> bool:
    """Return whether a schema constrains the value; if not, null is valid."""
    return any(key in option for key in ("type", "enum", "const", "allOf", "oneOf"))


def _options(
    field: Mapping[str, Any], definitions: Mapping[str, Any]
) -> Iterator[Mapping[str, Any]]:
    """Return the alternative schemas of a field."""
    for candidate in _resolved(field, definitions):
        if "anyOf" in candidate:
            for option in candidate["anyOf"]:
                yield from _options(option, definitions)
        else:
            yield candidate


def _resolved(
    field: Mapping[str, Any], definitions: Mapping[str, Any]
) -> Iterator[Mapping[str, Any]]:
    """Return the schema of a field, with its reference resolved."""
    yield definitions.get(field.get("$ref", "").removeprefix("#/$defs/"), field)
