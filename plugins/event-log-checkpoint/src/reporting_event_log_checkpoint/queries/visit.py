"""Columns of a visit and its events, and one row for each visit."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

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

ACTION, MOMENT = pl.col("action"), pl.col("timestamp")
SUBMIT, PASS, FAIL = (
    ACTION == "submit",
    ACTION == "pass-qc",
    ACTION == "not-pass-qc",
)


def latest(column: str) -> pl.Expr:
    """Return a column's value in the latest event of a group."""
    return pl.col(column).sort_by(ORDER).last()


def visits_of(
    rows: pl.LazyFrame, by: Sequence[str], aggregates: Sequence[pl.Expr]
) -> pl.LazyFrame:
    """Return one row for each visit, with the aggregates.

    The row has the columns of the visit, and the other columns in `by` with their
    values in the visit's latest event.
    """
    others = [latest(column).alias(column) for column in by if column not in VISIT]
    return rows.group_by(VISIT).agg(*others, *aggregates)
