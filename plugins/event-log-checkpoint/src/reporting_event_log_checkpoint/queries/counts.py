"""Queries that count events."""

from __future__ import annotations

from typing import ClassVar

import polars as pl
from pydantic import Field
from typing_extensions import override

from reporting_event_log_checkpoint.queries.grouping import (
    BySettings,
    Grouping,
    count,
    grouped,
)
from reporting_event_log_checkpoint.queries.visit import (
    FAIL,
    MOMENT,
    SUBMIT,
    VISIT,
)
from reporting_framework import Query
from reporting_framework.plugin_api.settings import Settings


class VolumesSettings(Settings):
    """Settings of the query ``volumes``."""

    by: list[str] = Field(
        ["module", "packet", "action"], description="Column to group by"
    )


class Counts(Grouping):
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
        return grouped(rows, self.by(rows), [count(pl.len()).alias("events")])


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
        month = MOMENT.dt.convert_time_zone("UTC").dt.strftime("%Y-%m").alias("month")
        failed = rows.filter(FAIL).with_columns(month)
        return grouped(
            failed, ["pipeline_adcid", "month"], [count(pl.len()).alias("errors")]
        )


class Volumes(Grouping):
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
        submitted = rows.with_columns(SUBMIT.any().over(VISIT).alias("_submitted"))
        visits = visit.filter(pl.col("_submitted")).n_unique()
        return grouped(
            submitted,
            by,
            [count(visits).alias("visits"), count(pl.len()).alias("events")],
        )
