"""The numbers of a month, of the month before, and of the year up to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

MONTHS = 12
"""How many months the courses have."""


class Totals(NamedTuple):
    """A month as a whole.

    Attributes:
        month: Its first day.
        submitted: Visits with a submit.
        events: Events of every action.
        outcomes: Visits with an outcome.
        passed: Visits whose latest outcome is a pass.
        failures: Failed checks.
    """

    month: date
    submitted: int
    events: int
    outcomes: int
    passed: int
    failures: int

    @property
    def rate(self) -> float | None:
        """Share of the visits with an outcome that passed."""
        return self.passed / self.outcomes if self.outcomes else None


class Rate(NamedTuple):
    """A pass rate: `PassRate`."""

    visits: int
    passed: int

    @property
    def rate(self) -> float | None:
        """The share; None where no visit has an outcome."""
        return self.passed / self.visits if self.visits else None


class Spread(NamedTuple):
    """Days from a visit to what became of it.

    They are `QcTiming`, and how many visits took each number of days.
    """

    visits: int
    mean: float | None
    median: float | None
    p90: float | None
    days: Mapping[int, int]


class Waiting(NamedTuple):
    """A visit that was submitted, and neither passed nor is deleted."""

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
        end: Where it ends, or when the page is made, if that is before: what days are
            counted up to.
        totals: Of the months up to this one, which is the last; those before the first
            event are left out.
        centers: Name of each center (pipeline_adcid): its label in the latest event.
        submitted: Visits submitted in the month, by center and module.
        before: The same, of the month before.
        rates: Pass rates by center; by module.
        rates_before: The same, of the month before.
        errors: Failed checks by center, in the month and in the one before.
        to_submit: Of visits whose first submit is in the month.
        to_pass: Of visits whose first pass is in the month.
        waiting: The visits that wait longest, so many as were asked for.
        ages: How many wait at all, by whole days.
        places: How many wait at all, by center.
        newest: Newest timestamp in the table.
        rejected: Reasons (type, field) of what is in quarantine: how many of the month,
            how many in all.
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
        """The month's totals."""
        return self.totals[-1]

    @property
    def modules(self) -> set[tuple[str | None, str | None]]:
        """Every datatype and module that the page names."""
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
        """Those of the month before; None where the table begins later."""
        return self.totals[-2] if len(self.totals) > 1 else None
