"""Rows of a table with a primary key of its own, as they will be after a commit.

The rules are those of `tables.loading`, `tables.keyed_deletes` and `tables.upserts`:
the newest of all records with one key is the row, and a row whose record is deleted, or
has another key now, is deleted unless another record of the run has its key.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl

from reporting_framework.plugin_api.records import DELETED_AT, SOURCE_KEY, VERSION

if TYPE_CHECKING:
    from reporting_framework.checks.resolution import Prospect

ROW = "_reporting_number"
"""Column with the position of a staged row."""

_LIVE = pl.col(DELETED_AT).is_null()
_OWN = "_reporting_own"
"""Suffix of the columns of a staged record beside those of the table."""


def newest_of(records: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    """Return the newest record with each key.

    Args:
        records: Key, source key, version, delete and `ROW` of the newest row of each
            source key.
        key: Columns of the primary key.
    """
    return (
        records.filter(_LIVE)
        .sort(VERSION, ROW, nulls_last=False)
        .unique(key, keep="last", maintain_order=True)
    )


def upserted(
    records: pl.DataFrame,
    key: Sequence[str],
    existing: pl.LazyFrame,
    given: str,
    prospect: Prospect,
) -> tuple[pl.DataFrame, pl.LazyFrame]:
    """Return the records that become rows of the table, and its rows that stay.

    Args:
        records: As for `newest_of`.
        key: Columns of the primary key.
        existing: Rows of the table.
        given: Column of the table with rows whose delete the source itself gave.
        prospect: How the commit changes the table.
    """
    existing = existing.with_columns(
        pl.col(name).cast(records.schema[name], strict=False) for name in key
    )
    if prospect.snapshot:
        kept = pl.Series(SOURCE_KEY, prospect.not_staged, pl.String)
        seen = pl.concat([kept, records[SOURCE_KEY]]).implode()
        unseen = _LIVE & ~pl.col(SOURCE_KEY).is_in(seen)
        epoch = pl.lit(datetime.fromtimestamp(0, UTC))  # any moment
        existing = existing.with_columns(
            pl.when(unseen).then(epoch).otherwise(pl.col(DELETED_AT)).alias(DELETED_AT)
        )
    stale = _stale(existing, records, given)
    records = records.filter(~pl.col(ROW).is_in(stale.implode()))
    newest = newest_of(records, key)
    left = _left(existing, records, key)
    claimed = left.join(newest, on=key, how="semi")[SOURCE_KEY]
    gone = left.join(newest, on=key, how="anti")[SOURCE_KEY]
    gives_way = _LIVE & pl.col(SOURCE_KEY).is_in(claimed.implode())
    pairs = existing.with_columns(
        pl.when(~gives_way).then(pl.col(VERSION)).alias(VERSION)
    ).join(newest.lazy(), on=key, how="inner", suffix=_OWN)
    ours, theirs = pl.col(f"{VERSION}{_OWN}"), pl.col(VERSION)
    newer = theirs.is_null() | (ours >= theirs).fill_null(value=False)
    tied = (
        ~_LIVE
        & pl.col(given)
        & (pl.col(SOURCE_KEY) == pl.col(f"{SOURCE_KEY}{_OWN}"))
        & (ours == theirs).fill_null(value=False)
    )
    losers = pairs.filter(~newer | tied).select(ROW).collect().to_series()
    winners = newest.filter(~pl.col(ROW).is_in(losers.implode()))
    stay = existing.filter(_LIVE, ~pl.col(SOURCE_KEY).is_in(gone.implode()))
    return winners, stay.join(winners.lazy().select(key), on=list(key), how="anti")


def _stale(existing: pl.LazyFrame, records: pl.DataFrame, given: str) -> pl.Series:
    """Return `ROW` of records of which the table has a newer version, or a delete.

    Such a record may have another key than the row of the table.
    """
    pairs = existing.join(
        records.filter(_LIVE).lazy(), on=SOURCE_KEY, how="inner", suffix=_OWN
    )
    ours, theirs = pl.col(f"{VERSION}{_OWN}"), pl.col(VERSION)
    gone = ~_LIVE & pl.col(given) & (theirs == ours)
    return pairs.filter((theirs > ours) | gone).select(ROW).collect().to_series()


def _left(
    existing: pl.LazyFrame, records: pl.DataFrame, key: Sequence[str]
) -> pl.DataFrame:
    """Return source key and key of rows whose records have left them."""
    pairs = existing.filter(_LIVE).join(
        records.lazy(), on=SOURCE_KEY, how="inner", suffix=_OWN
    )
    ours, theirs = pl.col(f"{VERSION}{_OWN}"), pl.col(VERSION)
    same = pl.all_horizontal(pl.col(name) == pl.col(f"{name}{_OWN}") for name in key)
    left = pairs.filter(
        theirs.is_null() | (ours >= theirs),
        pl.col(f"{DELETED_AT}{_OWN}").is_not_null() | ~same,
    )
    return left.select(SOURCE_KEY, *key).collect(engine="streaming")
