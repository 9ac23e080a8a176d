"""Checks of the rows as a whole: ``row_count``, ``row_count_change``, ``freshness``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

import polars as pl
from typing_extensions import override

from reporting_framework.checks.base import Aggregate, Check, RunFacts, Verdict, shown
from reporting_framework.checks.rows import Rows
from reporting_framework.checks.settings import (
    FreshnessSettings,
    RowCountChangeSettings,
    RowCountSettings,
)

AHEAD = timedelta(minutes=15)
"""Highest accepted difference between clocks; later times say nothing about age."""

_DAY = 86_400


class RowCount(Check):
    """Check that there are neither too few nor too many rows."""

    kind, Settings = "row_count", RowCountSettings

    @override
    def judge(self, values: Sequence[Any], rows: Rows, facts: RunFacts) -> Verdict:
        measured = {"rows": rows.height}
        least, most = self.settings.min, self.settings.max
        if most is not None and rows.height > most:
            return Verdict(False, measured, f"{shown(rows.height)}, more than {most:,}")
        if least is None or rows.height >= least:
            return Verdict(True, measured)
        if facts.partial:
            return Verdict(None, measured, facts.partial)
        return Verdict(False, measured, f"{shown(rows.height)}, fewer than {least:,}")


class RowCountChange(Check):
    """Check that the number of rows is near that of earlier runs."""

    kind, Settings = "row_count_change", RowCountChangeSettings

    @override
    def judge(self, values: Sequence[Any], rows: Rows, facts: RunFacts) -> Verdict:
        measured: dict[str, int | float | None] = {"rows": rows.height}
        if facts.partial:
            return Verdict(None, measured, facts.partial)
        earlier = facts.earlier.get(self.name, ())[: self.settings.runs]
        if not earlier:
            return Verdict(None, measured, "no earlier run has measured it")
        before = median(earlier)
        measured["rows_before"] = before
        if not before:
            return Verdict(None, measured, "there were no rows before")
        change = (rows.height - before) / before
        measured["change"] = round(change, 6)
        counts = {"any": abs(change), "drop": -change, "growth": change}
        passed = counts[self.settings.direction] <= self.settings.max
        problem = (
            f"{shown(rows.height)}, {before:,} before: a change of {change:+.1%}, more"
            f" than {self.settings.max:.1%}"
        )
        return Verdict(passed, measured, "" if passed else problem)


class Freshness(Check):
    """Check that the newest value of a column is not too old.

    The age of a date is a whole number of days (UTC). Values ahead of the clock say
    nothing about age, and are left out and counted. Without a value, the check fails.
    """

    kind, Settings, blocks = "freshness", FreshnessSettings, False

    @override
    def bind(self, schema: pl.Schema) -> None:
        self._dtype = schema[self.settings.column]
        if not isinstance(self._dtype, pl.Date | pl.Datetime):
            raise self.refuse(
                f"column {self.settings.column} is {self._dtype}; name a column of"
                " dates or times"
            )

    @override
    def aggregates(self, facts: RunFacts) -> Sequence[Aggregate]:
        column = pl.col(self.settings.column)
        ahead = column > self._latest(facts)
        newest = column.filter(~ahead).max()
        return [Aggregate(newest, "max"), Aggregate(ahead.sum())]

    def _latest(self, facts: RunFacts) -> pl.Expr:
        """Return the latest value that is not ahead of the clock."""
        latest = facts.at + AHEAD
        if isinstance(self._dtype, pl.Date):
            return pl.lit(latest.date())
        assert isinstance(self._dtype, pl.Datetime)  # noqa: S101 - bound
        moment = latest if self._dtype.time_zone else latest.replace(tzinfo=None)
        return pl.lit(moment, pl.Datetime("us", "UTC" if moment.tzinfo else None)).cast(
            self._dtype
        )

    @override
    def judge(self, values: Sequence[Any], rows: Rows, facts: RunFacts) -> Verdict:
        newest, ahead = values
        age = None if newest is None else _age(newest, facts.at)
        measured: dict[str, int | float | None] = {
            "rows": rows.height,
            "age_seconds": age,
            "ahead": int(ahead or 0),
        }
        limit = self.settings.limit.total_seconds()
        if age is not None and age <= limit:
            return Verdict(True, measured)
        if facts.partial:
            return Verdict(None, measured, facts.partial)
        problem = "there is no value"
        if age is not None:
            problem = f"the newest value is {age / _DAY:.1f} days old"
        return Verdict(
            False, measured, f"{problem}, max_age is {self.settings.max_age}"
        )


def _age(newest: Any, at: datetime) -> float:
    """Return the age of a date or a time (UTC if it has no zone) in seconds."""
    if not isinstance(newest, datetime):
        return float((at.date() - newest).days * _DAY)
    moment = newest if newest.tzinfo else newest.replace(tzinfo=UTC)
    return round((at - moment).total_seconds(), 3)
