"""Queries that group rows by columns of their settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import polars as pl
from pydantic import Field

from reporting_framework import Query
from reporting_framework.errors import SettingsError
from reporting_framework.plugin_api.settings import Settings


class BySettings(Settings):
    """Settings of a query that groups rows."""

    by: list[str] = Field(
        [], description="Column to group by, with one row per combination"
    )


class Grouping(Query):
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


def grouped(
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


def count(number: pl.Expr) -> pl.Expr:
    """Return a number as a count: an Int64."""
    return number.cast(pl.Int64)
