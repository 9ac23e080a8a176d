"""Visits that wait for a pass, now and at the end of earlier months."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import polars as pl

from reporting_event_log_checkpoint.queries.per_visit import Completeness
from reporting_event_log_checkpoint.queries.visit import VISIT

_SUBMIT, _PASS = pl.col("first_submit"), pl.col("first_pass")


def waiting_visits(visits: pl.LazyFrame, end: datetime) -> pl.LazyFrame:
    """Return the visits that wait, each with its whole days since the first submit.

    The days are 0 if the first submit is ahead of the clock.

    Args:
        visits: Result of `Completeness`.
        end: Time up to which the days count.
    """
    days = (pl.lit(end) - _SUBMIT).dt.total_days().clip(lower_bound=0).alias("days")
    left = _SUBMIT.is_not_null() & _PASS.is_null() & ~pl.col("deleted")
    return visits.filter(left).with_columns(days)


def waiting_at(
    rows: pl.LazyFrame, visits: pl.LazyFrame, ends: Sequence[datetime]
) -> list[pl.LazyFrame]:
    """Return the number of visits that waited at each of several times.

    `Completeness` runs once for each time, but only on visits that can have waited:
    most visits pass before the first end after their submit.

    Args:
        rows: Events up to the last time.
        visits: Result of `Completeness` for these events.
        ends: Times; events at or after a time do not count for it.
    """
    unpassed = [(end > _SUBMIT) & (_PASS.is_null() | (end <= _PASS)) for end in ends]
    candidates = rows.join(
        visits.filter(pl.any_horizontal(unpassed)),
        on=VISIT,
        how="semi",
        nulls_equal=True,
    )
    query = Completeness(Completeness.Settings())
    return [
        waiting_visits(
            query.run(candidates.filter(end > pl.col("timestamp"))), end
        ).select(pl.len())
        for end in ends
    ]
