"""Periods of the chart of rows over time."""

from datetime import date

import pytest

from reporting_pages.overview.periods import FIRST, LAST, scale_of

EPOCH = date(1970, 1, 1)


def scale(first, last):
    return scale_of((first - EPOCH).days, (last - EPOCH).days)


@pytest.mark.parametrize(
    ("first", "last", "unit", "starts"),
    [
        (date(2024, 1, 1), date(2024, 1, 1), "day", 1),
        (date(2023, 2, 5), date(2023, 3, 4), "day", 28),
        (date(2024, 2, 5), date(2024, 3, 4), "month", 2),
        (date(2022, 3, 31), date(2024, 2, 1), "month", 24),
        (date(2020, 1, 31), date(2024, 12, 1), "month", 24),
        (date(2020, 1, 31), date(2025, 1, 1), "year", 6),
        (date(1, 1, 1), date(9999, 12, 31), "year", 30),
    ],
)
def test_a_span_has_the_shortest_periods_that_fit(first, last, unit, starts):
    found = scale(first, last)
    assert (found.unit, len(found.starts)) == (unit, starts)
    assert found.starts == sorted(set(found.starts))
    assert found.starts[-1] <= last
    labels = [
        found.label(start, first=not number)
        for number, start in enumerate(found.starts)
    ]
    assert len(set(labels)) == starts


def test_days_that_python_does_not_have_do_not_end_the_scale():
    found = scale_of(FIRST - 10**8, LAST + 10**8)
    assert (found.first, found.last) == (date(1, 1, 1), date(9999, 1, 1))


def test_labels_and_names_say_the_period():
    days, months = scale(date(2024, 1, 31), date(2024, 2, 2)), scale(date(2023, 12, 1), date(2024, 2, 2))  # fmt: skip
    assert [days.label(start, first=not at) for at, start in enumerate(days.starts)] == ["31|Jan", "1|Feb", "2"]  # fmt: skip
    assert days.name(days.starts[0]) == "31 January 2024"
    assert [months.label(start, first=False) for start in months.starts] == ["Dec|2023", "Jan|2024", "Feb|2024"]  # fmt: skip
    assert months.name(months.first) == "December 2023"
