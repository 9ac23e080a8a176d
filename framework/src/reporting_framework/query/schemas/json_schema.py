"""JSON Schema, draft 2020-12, of a table's row.

It describes a row as ``reporting query … --format json`` prints it. Lists are arrays
and structs are objects.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from reporting_framework.query.schemas.table import Column, Table

DRAFT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(table: Table) -> dict[str, Any]:
    """Return the schema of one row.

    Additional properties are allowed: only older files may have them.
    """
    return {
        "$schema": DRAFT,
        "title": table.report,
        "type": "object",
        "properties": {column.name: _property(column) for column in table.columns},
        "required": [column.name for column in table.columns],
    }


def _property(column: Column) -> dict[str, Any]:
    facts, definition = column.facts, _type_schema(column.dtype)
    if facts.values:
        definition["enum"] = [*facts.values, *([None] if facts.nullable else [])]
    definition = _nullable(definition) if facts.nullable else definition
    return {
        **({"description": facts.description} if facts.description else {}),
        **definition,
    }


def _type_schema(dtype: pl.DataType) -> dict[str, Any]:
    """Return the schema of a non-null value; types that JSON lacks are strings."""
    if isinstance(dtype, pl.Boolean):
        return {"type": "boolean"}
    if dtype.is_integer():
        return {
            "type": "integer",
            **({"minimum": 0} if dtype.is_unsigned_integer() else {}),
        }
    if dtype.is_float():
        return {"type": "number"}
    if isinstance(dtype, pl.Date):
        return {"type": "string", "format": "date"}
    if isinstance(
        dtype, pl.Datetime
    ):  # without an offset it is not a date-time (RFC 3339)
        return {
            "type": "string",
            **({"format": "date-time"} if dtype.time_zone else {}),
        }
    if isinstance(dtype, pl.Null):
        return {"type": "null"}
    if isinstance(dtype, pl.List | pl.Array):
        length = (
            {"minItems": dtype.size, "maxItems": dtype.size}
            if isinstance(dtype, pl.Array)
            else {}
        )
        return {
            "type": "array",
            "items": _nullable(_type_schema(_inner(dtype))),
            **length,
        }
    if isinstance(dtype, pl.Struct):
        fields = {
            field.name: _nullable(_type_schema(pl.Series(dtype=field.dtype).dtype))
            for field in dtype.fields
        }
        return {"type": "object", "properties": fields, "required": list(fields)}
    return {"type": "string"}


def _inner(dtype: pl.List | pl.Array) -> pl.DataType:
    return pl.Series(dtype=dtype.inner).dtype


def _nullable(definition: dict[str, Any]) -> dict[str, Any]:
    """Return the schema, or null; nested values may always be null."""
    return (
        definition
        if definition["type"] == "null"
        else {**definition, "type": [definition["type"], "null"]}
    )
