"""Queries of the days between the events of a visit."""

from __future__ import annotations

from typing import ClassVar

import polars as pl
from typing_extensions import override

from reporting_event_log_checkpoint.queries.grouping import (
    BySettings,
    Grouping,
    count,
    grouped,
)
from reporting_event_log_checkpoint.queries.visit import (
    MOMENT,
    ORDER,
    PASS,
    SUBMIT,
    VISIT,
    visits_of,
)

_DAY_MICROSECONDS = 86_400_000_000


class QcTiming(Grouping):
    """Days from a visit to its first submit, and to its first pass.

    For each visit, the query takes the number of calendar days from visit_date to the
    day (UTC) of the earliest event with the action submit, and to the day of the
    earliest pass-qc. The days are whole numbers, negative if the event is before the
    visit. A visit without such an event is left out; a delete does not undo an event.

    `submit_visits` is the number of these visits, `submit_mean_days` the mean, and
    `submit_median_days` the median (for an even number, the mean of the middle two).
    `submit_p90_days` is the 90th percentile: of n numbers in ascending order, counted
    from 0, the number at position 0.9 (n - 1), interpolated linearly between its
    neighbours. The columns that begin with `pass_` are the same for the first pass.
    Without such a visit, the statistics are null.

    A visit is identified by study, pipeline_adcid, project_label, ptid, visit_date,
    visit_number, datatype and module; a null is a value like any other, but a visit
    without a visit_date has no days. With --by there is one row for each combination of
    these columns among all visits, nulls first. A column that does not identify the
    visit has its value from the visit's latest event of any action. Without --by there
    is one row.
    """

    name: ClassVar[str] = "qc-timing"
    Settings: ClassVar[type[BySettings]] = BySettings
    required_columns: ClassVar[frozenset[str]] = frozenset({*VISIT, *ORDER, "action"})

    @override
    def run(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        by = self.by(rows)
        firsts = {"submit": SUBMIT, "pass": PASS}
        visits = visits_of(
            rows,
            by,
            [
                MOMENT.filter(action).min().alias(f"_{name}")
                for name, action in firsts.items()
            ],
        )
        days = {
            name: (
                (
                    pl.col(f"_{name}").dt.convert_time_zone("UTC").dt.date()
                    - pl.col("visit_date")
                ).dt.total_days()
            )
            for name in firsts
        }
        return grouped(
            visits,
            by,
            [
                aggregate
                for name, column in days.items()
                for aggregate in _spread(column, f"{name}_")
            ],
        )


class TimeToPass(Grouping):
    """Days from a visit's first submit to the first pass after it.

    For each visit, the query takes the time from the earliest event with the action
    submit to the earliest pass-qc that is not before that submit (the same instant
    counts), in days of 86,400 seconds, with fractions. A visit without a submit or
    without such a pass is left out; further submits, failures and deletes do not
    matter.

    `visits` is the number of these visits, `mean_days` the mean, and `median_days` the
    median (for an even number, the mean of the middle two). `p90_days` is the 90th
    percentile: of n numbers in ascending order, counted from 0, the number at position
    0.9 (n - 1), interpolated linearly between its neighbours. Without such a visit, the
    statistics are null.

    A visit is identified by study, pipeline_adcid, project_label, ptid, visit_date,
    visit_number, datatype and module; a null is a value like any other. With --by there
    is one row for each combination of these columns among all visits, nulls first. A
    column that does not identify the visit has its value from the visit's latest event
    of any action. Without --by there is one row.
    """

    name: ClassVar[str] = "time-to-pass"
    Settings: ClassVar[type[BySettings]] = BySettings
    required_columns: ClassVar[frozenset[str]] = frozenset({*VISIT, *ORDER, "action"})

    @override
    def run(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        by, first = self.by(rows), MOMENT.filter(SUBMIT).min()
        taken = MOMENT.filter(PASS & (first <= MOMENT)).min() - first
        visits = visits_of(rows, by, [taken.alias("_taken")])
        return grouped(
            visits,
            by,
            _spread(
                pl.col("_taken").dt.total_microseconds(), "", unit=_DAY_MICROSECONDS
            ),
        )


def _spread(taken: pl.Expr, prefix: str, unit: int = 1) -> list[pl.Expr]:
    """Return number, mean, median and 90th percentile, in days, of whole numbers.

    Nulls are left out; `unit` is the number of units in a day.
    """
    days = taken / unit
    # A sum of fractions would depend on the order in which threads add them.
    total = taken.cast(pl.Int128).sum().cast(pl.Float64)
    return [
        count(taken.count()).alias(f"{prefix}visits"),
        pl.when(taken.count() > 0)
        .then(total / (taken.count() * unit))
        .alias(f"{prefix}mean_days"),
        days.median().alias(f"{prefix}median_days"),
        days.quantile(0.9, interpolation="linear").alias(f"{prefix}p90_days"),
    ]
