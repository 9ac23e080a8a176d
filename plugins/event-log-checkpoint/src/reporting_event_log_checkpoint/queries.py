"""Queries on the checkpoint, for visits and their events.

They work on any lazy frame that has its columns.

As in
``Counts(Counts.Settings(by=["study"])).run(pl.scan_parquet("out/events.parquet")).collect()``.

A *visit* is what shares study, pipeline_adcid, project_label, ptid, visit_date,
visit_number, datatype and module; a null is a value like any other, so two events with
no visit_number and all else alike are of one visit. Events are in the order of
(timestamp, source_key), the key compared by its bytes. All events that are asked for
count, and no others: what filters leave out is not looked at.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import polars as pl
from pydantic import Field

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
"""The columns that tell visits apart."""

ORDER = ("timestamp", "source_key")
"""The columns that events are ordered by."""

_ACTION, _MOMENT = pl.col("action"), pl.col("timestamp")
_SUBMIT, _PASS, _FAIL = (
    _ACTION == "submit",
    _ACTION == "pass-qc",
    _ACTION == "not-pass-qc",
)
_DAY_MICROSECONDS = 86_400_000_000


class BySettings(Settings):
    """Settings of a query that groups."""

    by: list[str] = Field(
        [], description="Column to group by; one row for each combination"
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
        """The columns to group by, each once.

        Raises:
            SettingsError: One is not there.
        """
        columns = rows.collect_schema().names()
        if missing := [column for column in self.settings.by if column not in columns]:
            raise SettingsError(
                f"query {self.name}: setting by names {', '.join(missing)}; there are"
                f" {', '.join(columns)}"
            )
        return list(dict.fromkeys(self.settings.by))


class Counts(_Grouping):
    """Number of events.

    One row for each combination of the columns --by that there is, a null being a value
    of its own, and `events`, the number of events with it; of every action, deletes
    among them. Without --by one row, 0 if there is no event.

    Sorted by the columns --by, nulls first.
    """

    name: ClassVar[str] = "counts"
    Settings: ClassVar[type[BySettings]] = BySettings
    required_columns: ClassVar[frozenset[str]] = frozenset()

    def run(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """See `Query.run`."""
        return _grouped(rows, self.by(rows), [_count(pl.len()).alias("events")])


class LatestPerVisit(Query):
    """The latest event of each visit.

    One row for each visit: the event that is last in the order of (timestamp,
    source_key), whatever its action, so of a deleted visit the delete. All columns of
    the table.

    A visit is study, pipeline_adcid, project_label, ptid, visit_date, visit_number,
    datatype and module; a null is a value like any other.

    Sorted by timestamp, then source_key.
    """

    name: ClassVar[str] = "latest-per-visit"
    required_columns: ClassVar[frozenset[str]] = frozenset({*VISIT, *ORDER})

    def run(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """See `Query.run`."""
        return rows.sort(ORDER).unique(VISIT, keep="last", maintain_order=True)


class MonthlyErrors(Query):
    """Failed checks of each center and month.

    One row for each pipeline_adcid and month with at least one event whose action is
    not-pass-qc: `month`, the calendar month in UTC of its timestamp as YYYY-MM, and
    `errors`, the number of such events. A visit that fails twice counts twice; a later
    pass-qc or delete takes nothing away.

    Sorted by pipeline_adcid (null first), then month.
    """

    name: ClassVar[str] = "monthly-errors"
    required_columns: ClassVar[frozenset[str]] = frozenset(
        {"action", "pipeline_adcid", "timestamp"}
    )

    def run(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """See `Query.run`."""
        month = _MOMENT.dt.convert_time_zone("UTC").dt.strftime("%Y-%m").alias("month")
        failed = rows.filter(_FAIL).with_columns(month)
        return _grouped(
            failed, ["pipeline_adcid", "month"], [_count(pl.len()).alias("errors")]
        )


class Volumes(_Grouping):
    """Submitted visits and events.

    One row for each combination of the columns --by (module, packet and action unless
    given) that an event has, a null being a value of its own. `events` is the number of
    events with it, of every action. `visits` is the number of distinct visits that have
    an event with it and that were submitted: they have an event whose action is submit,
    with this combination or with another.

    So with action among the columns, the row of submit says how many visits were
    submitted; --by module says so for each module. An action duplicate-submit submits
    nothing, and a delete takes nothing away.

    A visit is study, pipeline_adcid, project_label, ptid, visit_date, visit_number,
    datatype and module; a null is a value like any other.

    Sorted by the columns --by, nulls first.
    """

    name: ClassVar[str] = "volumes"
    Settings: ClassVar[type[VolumesSettings]] = VolumesSettings
    required_columns: ClassVar[frozenset[str]] = frozenset({*VISIT, "action"})

    def run(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """See `Query.run`."""
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

    An outcome is an event whose action is pass-qc or not-pass-qc. `visits` is the
    number of visits with an outcome, `passed` the number of those whose latest outcome,
    in the order of (timestamp, source_key), is pass-qc, and `rate` is passed / visits,
    between 0 and 1, null where visits is 0. A submit or a delete is no outcome, and
    takes none back.

    A visit is study, pipeline_adcid, project_label, ptid, visit_date, visit_number,
    datatype and module; a null is a value like any other. With --by one row for each
    combination of these columns among all visits, with an outcome or not, nulls first;
    a column that is not of the visit itself has the value that it has in the visit's
    latest event of any action. Without --by one row.
    """

    name: ClassVar[str] = "pass-rate"
    Settings: ClassVar[type[BySettings]] = BySettings
    required_columns: ClassVar[frozenset[str]] = frozenset({*VISIT, *ORDER, "action"})

    def run(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """See `Query.run`."""
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

    For each visit the number of calendar days from visit_date to the day, in UTC, of
    its earliest event whose action is submit, and to that of its earliest pass-qc:
    whole days, negative where the event is before the visit. A visit without such an
    event is not among them; a delete takes nothing back.

    Of these numbers `submit_visits` (how many), `submit_mean_days`,
    `submit_median_days` (with an even number the mean of the middle two) and
    `submit_p90_days`, the 90th percentile: with n numbers in ascending order, counted
    from 0, the one at position 0.9 (n - 1), interpolated linearly between its
    neighbours. The same with `pass_`. Null where there is none.

    A visit is study, pipeline_adcid, project_label, ptid, visit_date, visit_number,
    datatype and module; a null is a value like any other, but a visit without a
    visit_date has no days. With --by one row for each combination of these columns
    among all visits, nulls first; a column that is not of the visit itself has the
    value that it has in the visit's latest event of any action. Without --by one row.
    """

    name: ClassVar[str] = "qc-timing"
    Settings: ClassVar[type[BySettings]] = BySettings
    required_columns: ClassVar[frozenset[str]] = frozenset({*VISIT, *ORDER, "action"})

    def run(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """See `Query.run`."""
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

    For each visit the time from its earliest event whose action is submit to its
    earliest pass-qc that is not before that submit (one at the same instant counts), in
    days of 86,400 seconds, with fractions. A visit that lacks either is not among them;
    further submits, failures and deletes do not matter.

    Of these numbers `visits` (how many), `mean_days`, `median_days` (with an even
    number the mean of the middle two) and `p90_days`, the 90th percentile: with n
    numbers in ascending order, counted from 0, the one at position 0.9 (n - 1),
    interpolated linearly between its neighbours. Null where there is none.

    A visit is study, pipeline_adcid, project_label, ptid, visit_date, visit_number,
    datatype and module; a null is a value like any other. With --by one row for each
    combination of these columns among all visits, nulls first; a column that is not of
    the visit itself has the value that it has in the visit's latest event of any
    action. Without --by one row.
    """

    name: ClassVar[str] = "time-to-pass"
    Settings: ClassVar[type[BySettings]] = BySettings
    required_columns: ClassVar[frozenset[str]] = frozenset({*VISIT, *ORDER, "action"})

    def run(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """See `Query.run`."""
        by, first = self.by(rows), _MOMENT.filter(_SUBMIT).min()
        taken = _MOMENT.filter(_PASS & (first <= _MOMENT)).min() - first
        visits = _visits(rows, by, [taken.alias(_TAKEN)])
        return _grouped(
            visits,
            by,
            _spread(pl.col(_TAKEN).dt.total_microseconds(), "", unit=_DAY_MICROSECONDS),
        )


class Completeness(Query):
    """What became of each visit.

    One row for each visit: `first_submit`, the earliest timestamp of an event whose
    action is submit; `submissions`, the number of submits; `failures`, the number of
    not-pass-qc; `first_pass`, the earliest timestamp of a pass-qc, before a submit or
    after it; `last_event`, the latest timestamp of any event; `deleted`, whether the
    last event in the order of (timestamp, source_key) is a delete, so not of a visit
    that came again after it. Timestamps are null where there is no such event. An
    action duplicate-submit is no submit.

    A visit is study, pipeline_adcid, project_label, ptid, visit_date, visit_number,
    datatype and module; a null is a value like any other.

    Sorted by the columns of the visit in this order, nulls first.
    """

    name: ClassVar[str] = "completeness"
    required_columns: ClassVar[frozenset[str]] = frozenset({*VISIT, *ORDER, "action"})

    def run(self, rows: pl.LazyFrame) -> pl.LazyFrame:
        """See `Query.run`."""
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
"""Columns on the way to an answer."""


def _latest(column: str) -> pl.Expr:
    """A column's value in the latest event of a group."""
    return pl.col(column).sort_by(ORDER).last()


def _visits(
    rows: pl.LazyFrame, by: Sequence[str], aggregates: Sequence[pl.Expr]
) -> pl.LazyFrame:
    """Return one row for each visit, with what is found of it.

    It has the visit's columns, and those of `by` as they are in its latest event.
    """
    others = [_latest(column).alias(column) for column in by if column not in VISIT]
    return rows.group_by(VISIT).agg(*others, *aggregates)


def _grouped(
    rows: pl.LazyFrame, by: Sequence[str], aggregates: Sequence[pl.Expr]
) -> pl.LazyFrame:
    """Return one row for each combination of `by`, sorted by them.

    Where `by` names none, there is one row.

    Raises:
        SettingsError: One of them is called like a column of the answer.
    """
    if taken := [
        column
        for column in by
        if column in {aggregate.meta.output_name() for aggregate in aggregates}
    ]:
        raise SettingsError(
            f"setting by names {', '.join(taken)}, which the answer has a column of its"
            " own for"
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

    Those that are null are left out, and `unit` make a day.
    """
    days = taken / unit
    # A sum of fractions would depend on the order that threads bring them in.
    total = taken.cast(pl.Int128).sum().cast(pl.Float64)
    return [
        _count(taken.count()).alias(f"{prefix}visits"),
        pl.when(taken.count() > 0)
        .then(total / (taken.count() * unit))
        .alias(f"{prefix}mean_days"),
        days.median().alias(f"{prefix}median_days"),
        days.quantile(0.9, interpolation="linear").alias(f"{prefix}p90_days"),
    ]
