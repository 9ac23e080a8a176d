"""Versions of staged rows, and the newest row of each source key."""

from __future__ import annotations

from typing import TypeVar

import polars as pl

from reporting_framework.plugin_api.records import DELETED_AT, SOURCE_KEY, VERSION

VERSION_MOMENT = "_reporting_moment"
"""Column by which rows without a timestamp are sorted, made of their version; it is in
no file.
"""

_MOMENT = pl.Datetime("us", "UTC")
_MIDDLE = pl.lit(2**63, pl.Int128)
_MOMENTS = (-60_000_000_000_000_000, 250_000_000_000_000_000)
"""Numbers that are times between the years 1 and 9999, in microseconds."""

Rows = TypeVar("Rows", pl.DataFrame, pl.LazyFrame)

VERSION_COLUMNS = {VERSION: pl.String(), DELETED_AT: pl.Datetime("us", "UTC")}
"""Further columns of an upserted table, after the columns of the report."""


def with_version_moments(rows: Rows) -> Rows:
    """Return rows with a time that grows with their version.

    The version may be a time, or a number of twenty digits; any other is the epoch.
    """
    if VERSION not in rows.collect_schema():
        return rows.with_columns(pl.lit(0).cast(_MOMENT).alias(VERSION_MOMENT))
    version = pl.col(VERSION)
    time = version.str.to_datetime(
        "%Y-%m-%dT%H:%M:%S%.fZ", time_unit="us", strict=False
    )
    number = version.cast(pl.Int128, strict=False) - _MIDDLE
    moment = pl.coalesce(
        time.cast(pl.Int64), number.clip(*_MOMENTS).cast(pl.Int64), pl.lit(0)
    )
    return rows.with_columns(moment.cast(_MOMENT).alias(VERSION_MOMENT))


def with_moments(frame: pl.DataFrame, timestamp: str) -> pl.DataFrame:
    """Return the rows; the timestamp of a delete is its time of deletion.

    A delete has no other timestamp, and rows are sorted by timestamp.
    """
    dtype = frame.schema[timestamp]
    if not isinstance(dtype, pl.Datetime) or not frame[timestamp].null_count():
        return frame
    deleted = pl.col(DELETED_AT).dt.convert_time_zone(dtype.time_zone or "UTC")
    return frame.with_columns(pl.col(timestamp).fill_null(deleted.cast(dtype)))


def newest_rows(frame: pl.DataFrame) -> tuple[pl.DataFrame, int]:
    """Return the newest row of each source key, and the number of other rows.

    Rows are in the order in which they were staged. Of equal versions, a delete wins,
    then the later row; without versions, the later row. Deletes that lose are not
    counted.
    """
    if frame[SOURCE_KEY].n_unique() == frame.height:
        return frame, 0
    live = frame[DELETED_AT].null_count()
    newest = (
        frame.with_row_index("_reporting_row")
        .sort(*ORDER, "_reporting_row", nulls_last=False)
        .unique(SOURCE_KEY, keep="last", maintain_order=True)
        .sort("_reporting_row")
        .drop("_reporting_row")
    )
    return newest, live - newest[DELETED_AT].null_count()


def newest_of(rows: pl.DataFrame, then: str) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the newest row of each source key, and the others.

    Of equal versions, a delete is newer, then the row with the greater `then`.
    """
    again = rows[SOURCE_KEY].is_duplicated()
    if not again.any():
        return rows, rows.clear()
    several = rows.filter(again).with_row_index("_reporting_number")
    newest = several.sort(*ORDER, then, nulls_last=False).unique(
        SOURCE_KEY, keep="last"
    )
    older = several.join(newest, on="_reporting_number", how="anti")
    return (
        pl.concat([rows.filter(~again), newest.drop("_reporting_number")]),
        older.drop("_reporting_number"),
    )


ORDER: tuple[pl.Expr, ...] = (
    pl.col(VERSION),
    pl.all_horizontal(
        pl.col(DELETED_AT).is_not_null(), pl.col(VERSION).is_not_null()
    ).alias("_reporting_is_delete"),
)
"""Sort order with the newest version last, a delete after a row of its version, and
null first; several rows without a version have no order.
"""
