"""Types of columns, as settings name them."""

from __future__ import annotations

import polars as pl

from reporting_framework.builtin.frame_types import TYPES, dtype_of

__all__ = ["dtype_of", "type_name"]


def type_name(dtype: pl.DataType) -> str:
    """Return the name of a type as settings write it, or polars' name."""
    for name, known in TYPES.items():
        if dtype == known:
            return name
    if isinstance(dtype, pl.Decimal):
        return f"decimal({dtype.precision},{dtype.scale})"
    return str(dtype).lower()
