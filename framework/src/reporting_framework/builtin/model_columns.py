"""Columns of a model: its fields, and the column of unknown fields."""

from __future__ import annotations

from collections.abc import Set
from typing import Any

import polars as pl

from reporting_framework.builtin.columns import Column, UnsupportedField, column_of
from reporting_framework.builtin.model_fields import fields_of, has_alias
from reporting_framework.plugin_api.records import SOURCE_KEY

EXTRA_COLUMN = "extra"
"""Column that keeps unknown fields, as JSON with sorted names."""


def declared_columns(
    model: type[Any],
    *,
    excluded: Set[str],
    raw_json: Set[str],
    keeps_unknown: bool,
) -> dict[str, Column]:
    """Return the columns of a model, without the source key.

    Args:
        model: A pydantic model or a TypedDict.
        excluded: Fields without a column.
        raw_json: Fields whose column is the JSON text of the payload.
        keeps_unknown: Whether unknown fields have a column.

    Raises:
        UnsupportedField: A field cannot have a column, or has a reserved name.
    """
    fields = fields_of(model)
    columns = {
        name: _column_of_field(name, hint)
        for name, hint in fields.items()
        if name not in excluded
    }
    reserved = {SOURCE_KEY, EXTRA_COLUMN} if keeps_unknown else {SOURCE_KEY}
    if taken := reserved & columns.keys():
        raise UnsupportedField(
            f"field {min(taken)} has the name of a column that is added; rename it"
        )
    if aliased := [name for name in raw_json if has_alias(model, name)]:
        raise UnsupportedField(
            f"field {min(aliased)} is kept verbatim and has an alias; do without"
        )
    columns.update(dict.fromkeys(raw_json & columns.keys(), Column(pl.String())))
    return {**columns, EXTRA_COLUMN: Column(pl.String())} if keeps_unknown else columns


def _column_of_field(name: str, annotation: Any) -> Column:
    """Return the column of a field.

    Raises:
        UnsupportedField: It cannot have one; the message names it.
    """
    try:
        return column_of(annotation)
    except UnsupportedField as error:
        raise UnsupportedField(f"field {name}: {error}") from error
