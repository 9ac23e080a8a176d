"""Lists and structs as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

_KEPT = (pl.Boolean, pl.String, pl.Null)


def is_json(dtype: pl.DataType) -> bool:
    """Return whether values of a nested type come back from JSON as they were."""
    if isinstance(dtype, pl.Struct):
        return all(_is_part(field.dtype) for field in dtype.fields)
    if isinstance(dtype, pl.List | pl.Array):
        return _is_part(dtype.inner)
    return False


def _is_part(dtype: Any) -> bool:
    kind: pl.DataType = dtype if isinstance(dtype, pl.DataType) else dtype()
    is_number = kind.is_numeric() and not kind.is_decimal()
    return is_number or kind in _KEPT or is_json(kind)


def parts_of(column: pl.Series) -> Iterator[pl.Series]:
    """Yield the simple values inside a column, by type; that of a simple one is it."""
    if isinstance(column.dtype, pl.Struct):
        for name in column.struct.fields:
            yield from parts_of(column.struct.field(name))
    elif isinstance(column.dtype, pl.List | pl.Array):
        yield from parts_of(column.explode())
    else:
        yield column


def as_json(column: pl.Expr) -> pl.Expr:
    """Return a nested column as JSON texts."""
    text = pl.struct(v=column).struct.json_encode()
    inner = text.str.strip_prefix('{"v":').str.strip_suffix("}")
    return pl.when(column.is_not_null()).then(inner)


def from_json(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    """Return JSON texts as a nested column."""
    if isinstance(dtype, pl.Array):
        return from_json(column, pl.List(dtype.inner)).cast(dtype)
    text = pl.concat_str(pl.lit('{"v":'), column, pl.lit("}"))
    whole = text.str.json_decode(pl.Struct({"v": dtype}))
    return pl.when(column.is_not_null()).then(whole.struct.field("v"))
