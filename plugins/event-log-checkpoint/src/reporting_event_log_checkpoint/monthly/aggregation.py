"""The statistics of a month, aggregated by queries.

Each number is a query's; its docstring in `queries` defines it. Where a number is of a
month, the query is asked the rows of that month and no others, a month being one of
`timestamp` in UTC.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any

import polars as pl

from reporting_event_log_checkpoint.monthly.naming import center_names
from reporting_event_log_checkpoint.monthly.pending_counts import (
    waiting_at,
    waiting_visits,
)
from reporting_event_log_checkpoint.monthly.statistics import (
    MONTHS,
    Figures,
    Key,
    Rate,
    Spread,
    Totals,
    Waiting,
)
from reporting_event_log_checkpoint.queries.counts import MonthlyErrors, Volumes
from reporting_event_log_checkpoint.queries.durations import QcTiming
from reporting_event_log_checkpoint.queries.pass_rate import PassRate
from reporting_event_log_checkpoint.queries.per_visit import Completeness
from reporting_event_log_checkpoint.queries.visit import VISIT

CENTER, MODULE = ("pipeline_adcid",), ("datatype", "module")

_MOMENT = pl.col("timestamp")


def figures_of(
    rows: pl.LazyFrame,
    quarantine: pl.DataFrame | None,
    *,
    month: date,
    at: datetime,
    most: int,
) -> Figures:
    """Ask the queries.

    Args:
        rows: The whole table.
        quarantine: What was read and not kept, if that is known.
        month: First day of the month.
        at: When it is asked.
        most: How many waiting visits are named.
    """
    months = [_before(month, number) for number in range(MONTHS - 1, -1, -1)]
    until = rows.filter(_begin(_before(month, -1)) > _MOMENT)
    of = {
        month: until.filter(
            _begin(month) <= _MOMENT, _begin(_before(month, -1)) > _MOMENT
        )
        for month in months
    }
    end = min(_begin(_before(month, -1)), at)
    visits = Completeness(Completeness.Settings()).run(until)
    asked: dict[str, pl.LazyFrame] = {
        "newest": rows.select(_MOMENT.max()),
        "centers": (
            until.group_by(*CENTER).agg(
                pl.col("center_label").sort_by("timestamp", "source_key").last()
            )
        ),
        "errors": (
            MonthlyErrors(MonthlyErrors.Settings()).run(
                until.filter(_begin(months[0]) <= _MOMENT)
            )
        ),
        "submitted": _submitted(of[months[-1]]),
        "before": _submitted(of[months[-2]]),
        "ages": waiting_visits(visits, end).group_by("days").len(),
        "places": waiting_visits(visits, end).group_by(*CENTER).len(),
        "waiting": (
            waiting_visits(visits, end)
            .sort("first_submit", *VISIT, nulls_last=False)
            .head(most)
        ),
    }
    for name, months_end in (("rates", months[-1]), ("rates_before", months[-2])):
        for by in (CENTER, MODULE):
            asked[f"{name} {by[0]}"] = PassRate(PassRate.Settings(by=list(by))).run(
                of[months_end]
            )
    for months_end in months:
        asked[f"volumes {months_end}"] = Volumes(Volumes.Settings(by=["action"])).run(
            of[months_end]
        )
        asked[f"rate {months_end}"] = PassRate(PassRate.Settings()).run(of[months_end])
    ends = [_begin(_before(month, -1)) for month in months]
    for month_of_end, waiting in zip(
        months, waiting_at(until, visits, ends), strict=True
    ):
        asked[f"waiting {month_of_end}"] = waiting
    for name, first in (("submit", "first_submit"), ("pass", "first_pass")):
        asked |= _timing(until, visits, name, first, month)
    frames = dict(zip(asked, pl.collect_all(list(asked.values())), strict=True))
    errors = {
        (center, of_month): number
        for center, of_month, number in frames["errors"].iter_rows()
    }
    totals = [
        _totals(
            month,
            frames[f"volumes {month}"],
            frames[f"rate {month}"],
            errors,
            frames[f"waiting {month}"].item(),
        )
        for month in months
    ]
    return Figures(
        month=month,
        end=end,
        totals=_begun(totals),
        centers=center_names(frames["centers"].iter_rows()),
        submitted=_counted(frames["submitted"]),
        before=_counted(frames["before"]),
        rates=(
            _rates(frames["rates pipeline_adcid"]),
            _rates(frames["rates datatype"]),
        ),
        rates_before=(
            _rates(frames["rates_before pipeline_adcid"]),
            _rates(frames["rates_before datatype"]),
        ),
        errors=(_errors(errors, months[-1]), _errors(errors, months[-2])),
        to_submit=_spread(frames, "submit"),
        to_pass=_spread(frames, "pass"),
        waiting=[_named(row) for row in frames["waiting"].iter_rows(named=True)],
        ages=dict(frames["ages"].iter_rows()),
        places=dict(frames["places"].iter_rows()),
        newest=frames["newest"].item(),
        rejected=None if quarantine is None else _rejected(quarantine, month),
    )


def _begin(month: date) -> datetime:
    return datetime.combine(month, time(), UTC)


def _before(month: date, number: int) -> date:
    """Return the month `number` months before; later months if it is negative."""
    months = month.year * 12 + month.month - 1 - number
    return date(months // 12, months % 12 + 1, 1)


def _submitted(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Count submitted visits by center and module: `Volumes`, of the action submit."""
    frame = Volumes(Volumes.Settings(by=["action", *CENTER, *MODULE])).run(rows)
    return frame.filter(pl.col("action") == "submit").select(*CENTER, *MODULE, "visits")


def _timing(
    rows: pl.LazyFrame, visits: pl.LazyFrame, name: str, first: str, month: date
) -> dict[str, pl.LazyFrame]:
    """Return `QcTiming` of the visits of a month, and its days one by one.

    They are the visits whose first submit or pass is in the month.
    """
    moment = pl.col(first)
    of_month = visits.filter(
        moment >= _begin(month), moment < _begin(_before(month, -1))
    )
    days = (
        (moment.dt.convert_time_zone("UTC").dt.date() - pl.col("visit_date"))
        .dt.total_days()
        .alias("days")
    )
    return {
        f"timing {name}": (
            QcTiming(QcTiming.Settings()).run(
                rows.join(of_month, on=VISIT, how="semi", nulls_equal=True)
            )
        ),
        f"days {name}": of_month.select(days).drop_nulls().group_by("days").len(),
    }


def _totals(
    month: date,
    volumes: pl.DataFrame,
    rate: pl.DataFrame,
    errors: Mapping[tuple[int | None, str], int],
    waiting: int,
) -> Totals:
    submitted = volumes.filter(pl.col("action") == "submit")["visits"].sum()
    failures = sum(
        number
        for (_, of_month), number in errors.items()
        if of_month == f"{month:%Y-%m}"
    )
    outcomes, passed, _ = rate.row(0)
    return Totals(
        month,
        int(submitted),
        int(volumes["events"].sum()),
        outcomes,
        passed,
        failures,
        waiting,
    )


def _begun(totals: Sequence[Totals]) -> Sequence[Totals]:
    """Return the totals without the months before the first event.

    The last month stays, whatever is in it.
    """
    first = next(
        (number for number, total in enumerate(totals) if total.events), len(totals) - 1
    )
    return totals[first:]


def _counted(frame: pl.DataFrame) -> Mapping[Key, int]:
    return {tuple(row[:-1]): row[-1] for row in frame.iter_rows()}


def _rates(frame: pl.DataFrame) -> Mapping[Key, Rate]:
    return {
        tuple(row[:-3]): Rate(row[-3], row[-2]) for row in frame.iter_rows() if row[-3]
    }


def _errors(
    errors: Mapping[tuple[int | None, str], int], month: date
) -> Mapping[int | None, int]:
    return {
        center: number
        for (center, of_month), number in errors.items()
        if of_month == f"{month:%Y-%m}"
    }


def _spread(frames: Mapping[str, pl.DataFrame], name: str) -> Spread:
    row = frames[f"timing {name}"].row(0, named=True)
    return Spread(
        row[f"{name}_visits"],
        row[f"{name}_mean_days"],
        row[f"{name}_median_days"],
        row[f"{name}_p90_days"],
        dict(frames[f"days {name}"].sort("days").iter_rows()),
    )


def _named(row: Mapping[str, Any]) -> Waiting:
    return Waiting(
        row["ptid"],
        row["pipeline_adcid"],
        (row["datatype"], row["module"]),
        row["visit_date"],
        row["first_submit"],
        row["failures"],
        row["days"],
    )


def _rejected(
    quarantine: pl.DataFrame, month: date
) -> Mapping[tuple[str, str | None], tuple[int, int]]:
    """Count quarantined records by reason: of the month, and in total.

    The most frequent reasons are first.
    """
    at = pl.col("rejected_at")
    in_month = ((at >= _begin(month)) & (at < _begin(_before(month, -1)))).sum()
    frame = quarantine.group_by("error_type", "field").agg(
        in_month.alias("mine"), pl.len().alias("all")
    )
    frame = frame.sort(
        ["all", "error_type", "field"],
        descending=[True, False, False],
        nulls_last=False,
    )
    return {
        (kind, field): (in_month, number)
        for kind, field, in_month, number in frame.iter_rows()
    }
