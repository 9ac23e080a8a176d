"""Query of the visits that passed."""

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
    ACTION,
    FAIL,
    ORDER,
    PASS,
    VISIT,
    visits_of,
)


class PassRate(Grouping):
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
        by, outcome = self.by(rows), PASS | FAIL
        last = (
            ACTION.filter(outcome)
            .sort_by(*(pl.col(name).filter(outcome) for name in ORDER))
            .last()
        )
        visits = visits_of(rows, by, [last.alias("_last")])
        counted, passed = (
            count(pl.col("_last").count()),
            count((pl.col("_last") == "pass-qc").sum()),
        )
        frame = grouped(visits, by, [counted.alias("visits"), passed.alias("passed")])
        rate = pl.when(pl.col("visits") > 0).then(pl.col("passed") / pl.col("visits"))
        return frame.with_columns(rate.alias("rate"))
