"""Times and days of a frame that Python has, and others."""

from __future__ import annotations

from datetime import datetime

import polars as pl


def within_calendar(column: pl.Series) -> pl.Series:
    """Return the column; null where a time or a day is not one of the years 1 to 9999.

    A database may have such ones, as it may have ``infinity``. No sink can show them,
    and as texts they are not in the order of time.
    """
    dtype = column.dtype
    first, last = datetime.min, datetime.max
    if isinstance(dtype, pl.Date):
        bounds = pl.Series([first.date(), last.date()])
    elif isinstance(dtype, pl.Datetime) and dtype.time_unit != "ns":  # which are near
        bounds = pl.Series([first, last], dtype=pl.Datetime(dtype.time_unit))
    else:
        return column
    kept = column.to_physical().is_between(*bounds.to_physical())
    if kept.all():
        return column
    return pl.select(pl.when(kept).then(column)).to_series().alias(column.name)
