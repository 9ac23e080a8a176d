"""The numbers of a month, of the month before, and of the year up to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

MONTHS = 12
"""Number of months in the figures by month."""


class Totals(NamedTuple):
    """Totals of a month.

    Attributes:
        month: First day of the month.
        submitted: Visits with a submit.
        events: Events of every action.
        outcomes: Visits with an outcome.
        passed: Visits whose latest outcome is a pass.
        failures: Failed checks.
        waiting: Visits that wait for a pass at the end of the month.
    """

    month: date
    submitted: int
    events: int
    outcomes: int
    passed: int
    failures: int
    waiting: int

    @property
    def rate(self) -> float | None:
        """Share of the visits with an outcome that passed; `None` without outcomes."""
        return self.passed / self.outcomes if self.outcomes else None


class Rate(NamedTuple):
    """A pass rate, as defined by `PassRate`."""

    visits: int
    passed: int

    @property
    def rate(self) -> float | None:
        """The share; `None` if no visit has an outcome."""
        return self.passed / self.visits if self.visits else None


class Spread(NamedTuple):
    """Days from a visit to its submit or pass: `QcTiming`, and a histogram.

    `days` has the number of visits for each number of days.
    """

    visits: int
    mean: float | None
    median: float | None
    p90: float | None
    days: Mapping[int, int]


class Waiting(NamedTuple):
    """A visit that was submitted, has not passed and is not deleted."""

    ptid: str | None
    center: int | None
    module: tuple[str | None, str | None]
    visit_date: date | None
    submitted: datetime
    failures: int
    days: int


Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Figures:
    """All numbers of the page.

    Attributes:
        month: First day of the month.
        end: End of the month, or creation of the page if that is earlier; waiting days
            are counted up to it.
        totals: Totals of the months up to this one, which is the last; months before
            the first event are left out.
        centers: Name of each center (pipeline_adcid): the label in its latest event.
        submitted: Visits submitted in the month, by center and module.
        before: Visits submitted in the month before, by center and module.
        rates: Pass rates by center, and by module.
        rates_before: The pass rates of the month before.
        errors: Failed checks by center, in the month and in the month before.
        to_submit: Days to the first submit, for visits with their first submit in the
            month.
        to_pass: Days to the first pass, for visits with their first pass in the month.
        waiting: The requested number of longest waiting visits.
        ages: Number of all waiting visits, by whole days.
        places: Number of all waiting visits, by center.
        newest: Newest timestamp in the table.
        rejected: Number of quarantined records of the month, and of all, by type and
            field; `None` without a quarantine.
    """

    month: date
    end: datetime
    totals: Sequence[Totals]
    centers: Mapping[int | None, str]
    submitted: Mapping[Key, int]
    before: Mapping[Key, int]
    rates: tuple[Mapping[Key, Rate], Mapping[Key, Rate]]
    rates_before: tuple[Mapping[Key, Rate], Mapping[Key, Rate]]
    errors: tuple[Mapping[int | None, int], Mapping[int | None, int]]
    to_submit: Spread
    to_pass: Spread
    waiting: Sequence[Waiting]
    ages: Mapping[int, int]
    places: Mapping[int | None, int]
    newest: datetime | None
    rejected: Mapping[tuple[str, str | None], tuple[int, int]] | None

    @property
    def now(self) -> Totals:
        """Totals of the month."""
        return self.totals[-1]

    @property
    def modules(self) -> set[tuple[str | None, str | None]]:
        """All datatypes and modules that the page names."""
        counted = {
            (kind, module)
            for counts in (self.submitted, self.before)
            for _, kind, module in counts
        }
        rated = {
            (kind, module)
            for rates in (self.rates[1], self.rates_before[1])
            for kind, module in rates
        }
        return counted | rated | {visit.module for visit in self.waiting}

    @property
    def last(self) -> Totals | None:
        """Totals of the month before; `None` if the table begins later."""
        return self.totals[-2] if len(self.totals) > 1 else None
