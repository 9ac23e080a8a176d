"""Queries on the checkpoint, for visits and their events.

The queries work on any lazy frame with the checkpoint's columns, for example
``Counts(Counts.Settings(by=["study"])).run(pl.scan_parquet("out/events.parquet")).collect()``.

A *visit* is identified by study, pipeline_adcid, project_label, ptid, visit_date,
visit_number, datatype and module. A null is a value like any other: two events without
visit_number that agree in all other columns belong to one visit. Events are ordered by
(timestamp, source_key), with keys compared by their bytes. All rows of the frame count;
rows that filters removed are not considered.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import polars as pl
from pydantic import Field
from typing_extensions import override

from reporting_framework import Query
from reporting_framework.errors import SettingsError
from reporting_framework.plugin_api.settings import Settings

VISIT = (
    "study",
    "pipeline_adcid",
    "project_label",
    "ptid",
    "visit_date",
    "visit_number",
    "datatype",
    "module",
)
"""Columns that identify a visit."""

ORDER = ("timestamp", "source_key")
"""Columns that events are ordered by."""

_ACTION, _MOMENT = pl.col("action"), pl.col("timestamp")
_SUBMIT, _PASS, _FAIL = (
    _ACTION == "submit",
    _ACTION == "pass-qc",
    _ACTION == "not-pass-qc",
)
_DAY_MICROSECONDS = 86_400_000_000


class BySettings(Settings):
    """Settings of a query that groups rows."""

    by: list[str] = Field(
        [], description="Column to group by, with one row per combination"
    )


class VolumesSettings(Settings):
    """Settings of the query ``volumes``."""

    by: list[str] = Field(
        ["module", "packet", "action"], description="Column to group by"
    )


class _Grouping(Query):
    """A query with the setting `by`."""

    name: ClassVar[str]

    def by(self, rows: pl.LazyFrame) -> list[str]:
        """Return the columns to group by, each once.

        Raises:
            SettingsError: A column does not exist.
        """
        columns = rows.collect_schema().names()
        if missing := [column for column in self.settings.by if column not in columns]:
            raise SettingsError(
                f"query {self.name}: by: no column {', '.join(missing)}; use some of"
                f" {', '.join(columns)}"
            )
        return list(dict.fromkeys(self.settings.by))


class Counts(_Grouping):
    """Number of events.

    Returns one row for each combination of the --by columns that occurs; a null is a
    value of its own. `events` is the number of events of every action, including
    deletes. Without --by there is one row, with 0 if there is no event.

    Sorted by the --by columns, nulls first.
    """

    name: ClassVar[str] = "counts"
    Settings: ClassVar[type[BySettings]] = BySettings
    required_columns: ClassVar[frozenset[str]] = frozenset()

    @override
    def run(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        return _grouped(rows, self.by(rows), [_count(pl.len()).alias("events")])


class LatestPerVisit(Query):
    """The latest event of each visit.

    Returns one row for each visit, with all columns of the table: the event that is
    last in the order of (timestamp, source_key), whatever its action. For a deleted
    visit that is the delete.

    A visit is identified by study, pipeline_adcid, project_label, ptid, visit_date,
    visit_number, datatype and module; a null is a value like any other.

    Sorted by timestamp, then source_key.
    """

    name: ClassVar[str] = "latest-per-visit"
    required_columns: ClassVar[frozenset[str]] = frozenset({*VISIT, *ORDER})

    @override
    def run(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        return rows.sort(ORDER).unique(VISIT, keep="last", maintain_order=True)


class MonthlyErrors(Query):
    """Failed checks of each center and month.

    Returns one row for each pipeline_adcid and month with at least one event with the
    action not-pass-qc. `month` is the calendar month (UTC) of the timestamp as YYYY-MM,
    and `errors` is the number of such events. A visit that fails twice counts twice; a
    later pass-qc or delete does not reduce the number.

    Sorted by pipeline_adcid (null first), then month.
    """

    name: ClassVar[str] = "monthly-errors"
    required_columns: ClassVar[frozenset[str]] = frozenset(
        {"action", "pipeline_adcid", "timestamp"}
    )

    @override
    def run(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        month = _MOMENT.dt.convert_time_zone("UTC").dt.strftime("%Y-%m").alias("month")
        failed = rows.filter(_FAIL).with_columns(month)
        return _grouped(
            failed, ["pipeline_adcid", "month"], [_count(pl.len()).alias("errors")]
        )


class Volumes(_Grouping):
    """Submitted visits and events.

    Returns one row for each combination of the --by columns (default: module, packet
    and action) that occurs; a null is a value of its own. `events` is the number of
    events with this combination, of every action. `visits` is the number of distinct
    visits that have an event with this combination and that were submitted. A visit was
    submitted if it has an event with the action submit, with this or any other
    combination.

    So with action among the columns, the row of submit has the number of submitted
    visits; --by module gives it for each module. The action duplicate-submit does not
    submit a visit, and a delete does not undo a submit.

    A visit is identified by study, pipeline_adcid, project_label, ptid, visit_date,
    visit_number, datatype and module; a null is a value like any other.

    Sorted by the --by columns, nulls first.
    """

    name: ClassVar[str] = "volumes"
    Settings: ClassVar[type[VolumesSettings]] = VolumesSettings
    required_columns: ClassVar[frozenset[str]] = frozenset({*VISIT, "action"})

    @override
    def run(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        by, visit = self.by(rows), pl.struct(VISIT)
        submitted = rows.with_columns(_SUBMIT.any().over(VISIT).alias(_SUBMITTED))
        visits = visit.filter(pl.col(_SUBMITTED)).n_unique()
        return _grouped(
            submitted,
            by,
            [_count(visits).alias("visits"), _count(pl.len()).alias("events")],
        )


class PassRate(_Grouping):
    """Share of visits that passed.

    An outcome is an event with the action pass-qc or not-pass-qc. `visits` is the
    number of visits with an outcome. `passed` is the number of visits whose latest
    outcome, in the order of (timestamp, source_key), is pass-qc. `rate` is passed /
    visits, between 0 and 1, or null if visits is 0. A submit or a delete is not an
    outcome and does not remove one.

    A visit is identified by study, pipeline_adcid, project_label, ptid, visit_date,
    visit_number, datatype and module; a null is a value like any other. With --by there
    is one row for each combination of these columns among all visits, with or without
    an outcome, nulls first. A column that does not identify the visit has its value
    from the visit's latest event of any action. Without --by there is one row.
    """

    name: ClassVar[str] = "pass-rate"
    Settings: ClassVar[type[BySettings]] = BySettings
    required_columns: ClassVar[frozenset[str]] = frozenset({*VISIT, *ORDER, "action"})

    @override
    def run(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        by, outcome = self.by(rows), _PASS | _FAIL
        last = (
            _ACTION.filter(outcome)
            .sort_by(*(pl.col(name).filter(outcome) for name in ORDER))
            .last()
        )
        visits = _visits(rows, by, [last.alias(_LAST)])
        counted, passed = (
            _count(pl.col(_LAST).count()),
            _count((pl.col(_LAST) == "pass-qc").sum()),
        )
        frame = _grouped(visits, by, [counted.alias("visits"), passed.alias("passed")])
        rate = pl.when(pl.col("visits") > 0).then(pl.col("passed") / pl.col("visits"))
        return frame.with_columns(rate.alias("rate"))


class QcTiming(_Grouping):
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
        firsts = {"submit": _SUBMIT, "pass": _PASS}
        visits = _visits(
            rows,
            by,
            [
                _MOMENT.filter(action).min().alias(f"_{name}")
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
        return _grouped(
            visits,
            by,
            [
                aggregate
                for name, column in days.items()
                for aggregate in _spread(column, f"{name}_")
            ],
        )


class TimeToPass(_Grouping):
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
        by, first = self.by(rows), _MOMENT.filter(_SUBMIT).min()
        taken = _MOMENT.filter(_PASS & (first <= _MOMENT)).min() - first
        visits = _visits(rows, by, [taken.alias(_TAKEN)])
        return _grouped(
            visits,
            by,
            _spread(pl.col(_TAKEN).dt.total_microseconds(), "", unit=_DAY_MICROSECONDS),
        )


class Completeness(Query):
    """Submits, failures and passes of each visit.

    Returns one row for each visit:

    - `first_submit`: earliest timestamp of an event with the action submit;
    - `submissions`: number of submits;
    - `failures`: number of not-pass-qc;
    - `first_pass`: earliest timestamp of a pass-qc, before or after a submit;
    - `last_event`: latest timestamp of any event;
    - `deleted`: true if the last event in the order of (timestamp, source_key) is a
      delete; false for a visit with events after the delete.

    A timestamp is null if there is no such event. The action duplicate-submit does not
    count as a submit.

    A visit is identified by study, pipeline_adcid, project_label, ptid, visit_date,
    visit_number, datatype and module; a null is a value like any other.

    Sorted by the columns of the visit in this order, nulls first.
    """

    name: ClassVar[str] = "completeness"
    required_columns: ClassVar[frozenset[str]] = frozenset({*VISIT, *ORDER, "action"})

    @override
    def run(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        columns = [
            _MOMENT.filter(_SUBMIT).min().alias("first_submit"),
            _count(_SUBMIT.sum()).alias("submissions"),
            _count(_FAIL.sum()).alias("failures"),
            _MOMENT.filter(_PASS).min().alias("first_pass"),
            _MOMENT.max().alias("last_event"),
            (_latest("action") == "delete").alias("deleted"),
        ]
        return _grouped(rows, VISIT, columns)


_SUBMITTED, _LAST, _TAKEN = "_submitted", "_last", "_taken"
"""Names of intermediate columns."""


def _latest(column: str) -> pl.Expr:
    """Return a column's value in the latest event of a group."""
    return pl.col(column).sort_by(ORDER).last()


def _visits(
    rows: pl.LazyFrame, by: Sequence[str], aggregates: Sequence[pl.Expr]
) -> pl.LazyFrame:
    """Return one row for each visit, with the aggregates.

    The row has the columns of the visit, and the other columns in `by` with their
    values in the visit's latest event.
    """
    others = [_latest(column).alias(column) for column in by if column not in VISIT]
    return rows.group_by(VISIT).agg(*others, *aggregates)


def _grouped(
    rows: pl.LazyFrame, by: Sequence[str], aggregates: Sequence[pl.Expr]
) -> pl.LazyFrame:
    """Return one row for each combination of `by`, sorted by these columns.

    If `by` is empty, there is one row.

    Raises:
        SettingsError: A column in `by` has the name of a column of the answer.
    """
    if taken := [
        column
        for column in by
        if column in {aggregate.meta.output_name() for aggregate in aggregates}
    ]:
        raise SettingsError(
            f"by: {', '.join(taken)} is a column of the answer; group by other columns"
        )
    return (
        rows.group_by(by).agg(aggregates).sort(by, nulls_last=False)
        if by
        else rows.select(aggregates)
    )


def _count(number: pl.Expr) -> pl.Expr:
    return number.cast(pl.Int64)


def _spread(taken: pl.Expr, prefix: str, unit: int = 1) -> list[pl.Expr]:
    """Return number, mean, median and 90th percentile, in days, of whole numbers.

    Nulls are left out; `unit` is the number of units in a day.
    """
    days = taken / unit
    # A sum of fractions would depend on the order in which threads add them.
    total = taken.cast(pl.Int128).sum().cast(pl.Float64)
    return [
        _count(taken.count()).alias(f"{prefix}visits"),
        pl.when(taken.count() > 0)
        .then(total / (taken.count() * unit))
        .alias(f"{prefix}mean_days"),
        days.median().alias(f"{prefix}median_days"),
        days.quantile(0.9, interpolation="linear").alias(f"{prefix}p90_days"),
    ]
