"""Facts about the values that a schema allows: types, properties, formats, bounds.

Where keywords interact, the answer may allow more than the schema does, never less,
with one exception: a property that only an alternative declares has the type of that
alternative.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from reporting_json_schema.documents import Documents, Node

ANY = frozenset({"null", "boolean", "integer", "number", "string", "array", "object"})
"""All types of values. A ``number`` is one with a fraction here, so that the type
number is both of them.
"""

_ALTERNATIVES = ("anyOf", "oneOf")
_CONDITIONS = ("then", "else")


def conjuncts(
    node: Node, documents: Documents, seen: frozenset[int] = frozenset()
) -> Iterator[Node]:
    """Yield the schemas that must all hold: itself, its reference, those of allOf."""
    if id(node.schema) in seen:
        return
    seen |= {id(node.schema)}
    node = documents.rebased(node)
    if not isinstance(node.schema, dict):
        yield node
        return
    alone = documents.ignores(node.schema)
    if not alone:
        yield node
    target = documents.target(node)
    if target is not None:
        yield from conjuncts(target, documents, seen)
    if alone:
        return
    for part in _list(node, "allOf"):
        yield from conjuncts(part, documents, seen)


def types_of(
    node: Node, documents: Documents, seen: frozenset[int] = frozenset()
) -> frozenset[str]:
    """Return the types of the values that a schema allows."""
    if id(node.schema) in seen and isinstance(node.schema, dict):
        return ANY
    seen |= {id(node.schema)}
    types = ANY
    for part in conjuncts(node, documents):
        if part.schema is False:
            return frozenset()
        if not isinstance(part.schema, dict):
            continue
        types &= _own_types(part.schema)
        for keyword in _ALTERNATIVES:
            branches = [
                types_of(branch, documents, seen) for branch in _list(part, keyword)
            ]
            if branches:
                types &= frozenset().union(*branches)
    return types


def all_of(schemas: Sequence[Node]) -> Node:
    """Return a schema for values that keep all of several schemas."""
    return schemas[0] if len(schemas) == 1 else Node({"allOf": [*schemas]}, "")


def any_of(schemas: Sequence[Node]) -> Node:
    """Return a schema for values that keep one of several schemas."""
    return schemas[0] if len(schemas) == 1 else Node({"anyOf": [*schemas]}, "")


def properties_of(node: Node, documents: Documents) -> dict[str, list[Node]]:
    """Return the schemas of each declared property, in the order of the document.

    All of them hold, unless they come from alternatives: see `alternatives_of`.
    """
    found: dict[str, list[Node]] = {}
    for part in conjuncts(node, documents):
        declared = _get(part, "properties")
        for name, schema in declared.items() if isinstance(declared, dict) else ():
            found.setdefault(name, []).append(Node(schema, part.base))
    return found


def alternatives_of(
    node: Node, documents: Documents, seen: frozenset[int] = frozenset()
) -> dict[str, list[Node]]:
    """Return the schemas of each property that only alternatives declare.

    These are anyOf, oneOf, then, else and dependentSchemas; one of them holds.
    """
    found: dict[str, list[Node]] = {}
    if id(node.schema) in seen:
        return found
    seen |= {id(node.schema)}
    for part in conjuncts(node, documents):
        for branch in _branches(part):
            for group in (
                properties_of(branch, documents),
                alternatives_of(branch, documents, seen),
            ):
                for name, schemas in group.items():
                    found.setdefault(name, []).extend(schemas)
    own = properties_of(node, documents)
    return {name: schemas for name, schemas in found.items() if name not in own}


def required_of(
    node: Node, documents: Documents, seen: frozenset[int] = frozenset()
) -> frozenset[str]:
    """Return the names of properties that each object must have."""
    names: set[str] = set()
    if id(node.schema) in seen:
        return frozenset()
    seen |= {id(node.schema)}
    for part in conjuncts(node, documents):
        required = _get(part, "required")
        names.update(required if isinstance(required, list) else ())
        for keyword in _ALTERNATIVES:
            branches = [
                required_of(branch, documents, seen) for branch in _list(part, keyword)
            ]
            if branches:
                names |= frozenset.intersection(*branches)
    return frozenset(names)


def format_of(
    node: Node, documents: Documents, seen: frozenset[int] = frozenset()
) -> str | None:
    """Return the format that each text has, `None` if there is no common one."""
    if id(node.schema) in seen:
        return None
    seen |= {id(node.schema)}
    for part in conjuncts(node, documents):
        if isinstance(form := _get(part, "format"), str):
            return form
        for keyword in _ALTERNATIVES:
            forms = {
                format_of(branch, documents, seen)
                for branch in _list(part, keyword)
                if "string" in types_of(branch, documents)
            }
            if len(forms) == 1:
                return forms.pop()
    return None


def bounds_of(node: Node, documents: Documents) -> tuple[float | None, float | None]:
    """Return the greatest lower and the least upper bound of numbers."""
    low: list[float] = []
    high: list[float] = []
    for part in conjuncts(node, documents):
        for bounds, names in (
            (low, ("minimum", "exclusiveMinimum")),
            (high, ("maximum", "exclusiveMaximum")),
        ):
            values = [_get(part, name) for name in names]
            bounds += [value for value in values if type(value) in (int, float)]
    return max(low, default=None), min(high, default=None)


def choices_of(node: Node, documents: Documents) -> list[Any] | None:
    """Return the values of enum or const, `None` if other values are allowed."""
    for part in conjuncts(node, documents):
        if isinstance(values := _get(part, "enum"), list):
            return values
        if isinstance(part.schema, dict) and "const" in part.schema:
            return [part.schema["const"]]
    return None


def description_of(node: Node, documents: Documents) -> str:
    """Return the first description, on one line; empty if there is none."""
    for part in conjuncts(node, documents):
        if isinstance(text := _get(part, "description"), str):
            return " ".join(text.split())
    return ""


def _own_types(schema: dict[str, Any]) -> frozenset[str]:
    """Return the types that the keywords type, enum and const allow."""
    types = ANY
    if "type" in schema:
        named = schema["type"]
        names = frozenset([named] if isinstance(named, str) else named)
        types &= names | ({"integer"} if "number" in names else set())
    if isinstance(values := schema.get("enum"), list):
        types &= frozenset(map(_type_of, values)) | _whole(values)
    if "const" in schema:
        types &= {_type_of(schema["const"])} | _whole([schema["const"]])
    return types


def _type_of(value: Any) -> str:
    for kind, name in (
        (bool, "boolean"),
        (int, "integer"),
        (float, "number"),
        (str, "string"),
        (list, "array"),
        (dict, "object"),
    ):
        if isinstance(value, kind):
            return name
    return "null"


def _whole(values: list[Any]) -> frozenset[str]:
    """Return the type integer if one of the values is a number without a fraction."""
    return frozenset(
        {"integer"}
        if any(isinstance(value, float) and value.is_integer() for value in values)
        else ()
    )


def _branches(node: Node) -> Iterator[Node]:
    for keyword in _ALTERNATIVES:
        yield from _list(node, keyword)
    for keyword in _CONDITIONS:
        if isinstance(schema := _get(node, keyword), dict):
            yield Node(schema, node.base)
    for keyword in ("dependentSchemas", "dependencies"):
        dependent = _get(node, keyword)
        for schema in dependent.values() if isinstance(dependent, dict) else ():
            if isinstance(schema, dict):
                yield Node(schema, node.base)


def _list(node: Node, keyword: str) -> list[Node]:
    """Return the schemas in a list, of which `all_of` and `any_of` have made nodes."""
    schemas = _get(node, keyword)
    return [
        schema if isinstance(schema, Node) else Node(schema, node.base)
        for schema in (schemas if isinstance(schemas, list) else ())
    ]


def _get(node: Node, keyword: str) -> Any:
    return node.schema.get(keyword) if isinstance(node.schema, dict) else None


def child_of(node: Node, segment: int | str, documents: Documents) -> Node | None:
    """Return the schema of a declared property, or of the items of an array.

    Returns `None` if none is declared.
    """
    if isinstance(segment, str):
        own = properties_of(node, documents).get(segment)
        if own:
            return all_of(own)
        others = alternatives_of(node, documents).get(segment)
        return any_of(others) if others else None
    items: list[Node] = []
    for part in conjuncts(node, documents):
        for keyword in ("items", "prefixItems", "additionalItems"):
            schema = _get(part, keyword)
            if isinstance(schema, dict):
                items.append(Node(schema, part.base))
            items += _list(part, keyword)
    return any_of(items) if items else None
