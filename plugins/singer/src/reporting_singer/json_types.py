"""Column types of JSON Schemas.

===========================================  =============================
JSON Schema                                  column
===========================================  =============================
boolean                                      Boolean
integer                                      Int64
number                                       Float64
number with multipleOf below 1               Decimal, if its digits fit
string                                       String
string, format date-time                     Datetime (us, UTC)
string, format date                          Date
string, format singer.decimal                Decimal, or String
object, array, several types, no type        String: the value's JSON text
===========================================  =============================

Null is allowed everywhere. JSON text keeps each value as it is, whatever it is, which
no fixed type of nested values does.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, Literal, NamedTuple

import polars as pl

MAX_DIGITS = 38
"""Maximum number of digits of a decimal column."""

Kind = Literal[
    "boolean", "integer", "number", "text", "moment", "day", "decimal", "digits", "json"
]


class ColumnType(NamedTuple):
    """Type of a column.

    Attributes:
        kind: How values are read; ``digits``: decimal numbers whose digits are not
            known, as texts.
        dtype: Type of the column.
    """

    kind: Kind
    dtype: pl.DataType


MOMENT = ColumnType("moment", pl.Datetime("us", "UTC"))
DAY = ColumnType("day", pl.Date())
TEXT = ColumnType("text", pl.String())
DIGITS = ColumnType("digits", pl.String())
JSON = ColumnType("json", pl.String())
_SIMPLE: Mapping[str, ColumnType] = {
    "boolean": ColumnType("boolean", pl.Boolean()),
    "integer": ColumnType("integer", pl.Int64()),
    "number": ColumnType("number", pl.Float64()),
    "string": TEXT,
}


def column_type(schema: Any, root: Mapping[str, Any]) -> ColumnType:
    """Return the type of a column for the JSON Schema of its values.

    Args:
        schema: Schema of the values.
        root: Schema that holds it, for ``$ref``.
    """
    found = {_one(part) for part in _parts(schema, root, 0)}
    if len(found) == 1:
        return found.pop()
    if found == {_SIMPLE["integer"], _SIMPLE["number"]}:
        return _SIMPLE["number"]
    if found and found <= {TEXT, MOMENT, DAY}:
        return TEXT
    return JSON


def _parts(schema: Any, root: Mapping[str, Any], depth: int) -> Iterator[Any]:
    """Yield the schemas of single types that a schema allows, without null."""
    if not isinstance(schema, Mapping) or depth > 8:
        yield {}
        return
    if isinstance(reference := schema.get("$ref"), str):
        yield from _parts(_referenced(reference, root), root, depth + 1)
        return
    for word in ("anyOf", "oneOf"):
        if isinstance(options := schema.get(word), list) and options:
            for option in options:
                yield from _parts(option, root, depth + 1)
            return
    types = schema.get("type")
    if types is None:
        if set(schema) & {"properties", "items"} or "enum" not in schema:
            yield {}
        else:
            yield from ({"type": name} for name in _types_of(schema["enum"]))
        return
    for name in types if isinstance(types, list) else [types]:
        if name != "null":
            yield {**schema, "type": name}


def _types_of(values: Any) -> set[str]:
    names = {bool: "boolean", int: "integer", float: "number", str: "string"}
    kept = [value for value in values if value is not None]
    return {names.get(type(value), "object") for value in kept}


def _referenced(reference: str, root: Mapping[str, Any]) -> Any:
    found: Any = root
    if not reference.startswith("#/"):
        return {}
    for part in reference[2:].split("/"):
        found = found.get(part, {}) if isinstance(found, Mapping) else {}
    return found


def _one(schema: Mapping[str, Any]) -> ColumnType:
    """Return the type of a column for a schema of one type."""
    name, form = schema.get("type"), schema.get("format")
    if name == "string":
        if form == "date-time":
            return MOMENT
        if form == "date":
            return DAY
        if form in ("singer.decimal", "decimal"):
            return _decimal_of(schema)
        return TEXT
    if name == "number":
        step = schema.get("multipleOf")
        return _SIMPLE["number"] if step is None else _stepped(schema, step)
    return _SIMPLE.get(str(name), JSON)


def _decimal_of(schema: Mapping[str, Any]) -> ColumnType:
    precision, scale = schema.get("precision"), schema.get("scale")
    if isinstance(precision, int) and isinstance(scale, int):
        return _decimal(precision, scale)
    return DIGITS


def _stepped(schema: Mapping[str, Any], step: Any) -> ColumnType:
    """Return the type of numbers that are multiples of a step."""
    try:
        scale = -int(Decimal(repr(step)).normalize().as_tuple().exponent)
        bounds = [schema.get(word) for word in ("maximum", "minimum")]
        bounds += [schema.get(f"exclusive{word}") for word in ("Maximum", "Minimum")]
        known = [abs(float(each)) for each in bounds if isinstance(each, int | float)]
        before = math.ceil(math.log10(max([1.0, *known]) + 1)) if known else None
    except (ArithmeticError, ValueError, TypeError, OverflowError):
        return DIGITS
    if scale <= 0 and before is None:
        return _SIMPLE["integer"]
    if before is None:
        return _decimal(MAX_DIGITS, scale) if scale <= MAX_DIGITS // 2 else DIGITS
    return _decimal(before + max(scale, 0), max(scale, 0))


def _decimal(precision: int, scale: int) -> ColumnType:
    if 0 <= scale <= precision <= MAX_DIGITS and precision:
        return ColumnType("decimal", pl.Decimal(precision, scale))
    return DIGITS
