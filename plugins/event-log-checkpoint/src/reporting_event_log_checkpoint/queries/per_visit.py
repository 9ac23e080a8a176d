"""Queries with one row for each visit."""

from __future__ import annotations

from typing import ClassVar

import polars as pl
from typing_extensions import override

from reporting_event_log_checkpoint.queries.grouping import (
    count,
    grouped,
)
from reporting_event_log_checkpoint.queries.visit import (
    FAIL,
    MOMENT,
    ORDER,
    PASS,
    SUBMIT,
    VISIT,
    latest,
)
from reporting_framework import Query


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
            MOMENT.filter(SUBMIT).min().alias("first_submit"),
            count(SUBMIT.sum()).alias("submissions"),
            count(FAIL.sum()).alias("failures"),
            MOMENT.filter(PASS).min().alias("first_pass"),
            MOMENT.max().alias("last_event"),
            (latest("action") == "delete").alias("deleted"),
        ]
        return grouped(rows, VISIT, columns)
