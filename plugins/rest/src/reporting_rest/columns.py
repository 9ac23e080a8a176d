"""Columns of a resource, found in its first records."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec
import polars as pl

from reporting_framework import SOURCE_KEY
from reporting_framework.builtin.frame_types import dtype_of
from reporting_rest.resource_settings import ResourceSettings
from reporting_rest.unknown_fields import is_column

TEXTS = (pl.Datetime, pl.Date, pl.Decimal)
"""Types whose values are texts in JSON."""

_WHOLE, _NUMBER = re.compile(rb"-?\d{1,18}"), re.compile(rb"-?\d+[.eE]")
"""Numbers of a column of integers and of one of floats; a longer integer is a text."""


class Sample(NamedTuple):
    """Columns that were found in records.

    Attributes:
        schema: The columns.
        untyped: Names of those without a value, which are texts.
    """

    schema: pl.Schema
    untyped: Sequence[str] = ()


def sampled(
    pages: Iterable[Sequence[bytes]], settings: ResourceSettings, known: pl.Schema
) -> Sample:
    """Return the columns of records.

    Args:
        pages: Records of the first pages.
        settings: Settings with types of columns, which win.
        known: Columns of earlier records. Only an integer becomes a float: a single
            value of another type would make another table.
    """
    declared = {name: dtype_of(text) for name, text in settings.columns.items()}
    if not settings.sample:
        return Sample(pl.Schema(declared))
    found: dict[str, pl.DataType] = dict(known)
    for lines in pages:
        for name, dtype in _inferred(lines).items():
            one = found.get(name, pl.Null())
            wider = name not in known or (one.is_numeric() and dtype.is_numeric())
            if wider and is_column(name):
                found[name] = _common(one, dtype)
    for name in (*settings.primary_key, *declared):
        found.setdefault(name, pl.Null())
    found |= declared
    found.pop(SOURCE_KEY, None)
    untyped = [name for name, dtype in found.items() if isinstance(dtype, pl.Null)]
    return Sample(pl.Schema({**found, **dict.fromkeys(untyped, pl.String())}), untyped)


def _inferred(lines: Sequence[bytes]) -> dict[str, pl.DataType]:
    objects = [line for line in lines if line[:1] == b"{"]
    if not objects:
        return {}
    try:
        frame = pl.read_ndjson(b"\n".join(objects), infer_schema_length=None)
    except pl.exceptions.PolarsError:  # values of several kinds, or a bad record
        return _compared(objects)
    return {name: _column_type(dtype) for name, dtype in frame.schema.items()}


def _compared(objects: Sequence[bytes]) -> dict[str, pl.DataType]:
    """Return the types of fields, found value by value."""
    found: dict[str, pl.DataType] = {}
    for line in objects:
        try:
            record = msgspec.json.decode(line, type=dict[str, msgspec.Raw])
        except (msgspec.DecodeError, ValueError, RecursionError):
            continue  # rejected when it is read
        for name, value in record.items():
            found[name] = _common(found.get(name, pl.Null()), _type_of(bytes(value)))
    return found


def _type_of(value: bytes) -> pl.DataType:
    """Return the type of a JSON value, by how it is written."""
    if value in (b"true", b"false", b"null"):
        return pl.Null() if value == b"null" else pl.Boolean()
    if _WHOLE.fullmatch(value):
        return pl.Int64()
    return pl.Float64() if _NUMBER.match(value) else pl.String()


def _column_type(dtype: pl.DataType) -> pl.DataType:
    if isinstance(dtype, pl.Null | pl.Boolean | pl.Int64 | pl.Float64):
        return dtype
    return pl.String()


def _common(one: pl.DataType, other: pl.DataType) -> pl.DataType:
    """Return a type for the values of both types."""
    if isinstance(one, pl.Null) or one == other:
        return other
    if isinstance(other, pl.Null):
        return one
    if one.is_numeric() and other.is_numeric():
        return one if isinstance(one, pl.Decimal) else pl.Float64()
    return one if isinstance(one, TEXTS) else pl.String()
