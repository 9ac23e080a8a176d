"""Floats as decimals."""

from __future__ import annotations

import polars as pl

MAX_PRECISION = 38


def rounded(floats: pl.Expr, dtype: pl.Decimal) -> pl.Expr:
    """Return floats as decimals, rounded; one with too many digits becomes null.

    polars raises an error for a float with more digits than the precision, but not for
    a decimal: so floats become decimals of the largest precision first.
    """
    least = 10.0 ** (MAX_PRECISION - dtype.scale)
    small = pl.when(floats.cast(pl.Float64).abs() < least).then(floats)
    widest = pl.Decimal(MAX_PRECISION, dtype.scale)
    return small.cast(widest, strict=False).cast(dtype, strict=False)
