"""Numbers as people read them."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting_pages import formatting as numbers


@pytest.mark.parametrize(
    ("found", "shown"),
    [
        (numbers.count(12345), "12,345"),
        (numbers.count(None), "–"),
        (numbers.share(0.8734), "87.3%"),
        (numbers.share(1), "100.0%"),
        (numbers.share(0), "0.0%"),
        (numbers.share(None), "–"),
        (numbers.days(8.0), "8"),
        (numbers.days(8.46), "8.5"),
        (numbers.days(None), "–"),
        (numbers.plural(1, "visit"), "1 visit"),
        (numbers.plural(1200, "visit"), "1,200 visits"),
        (numbers.plural(2, "is", "are"), "2 are"),
        (numbers.month_name(date(2024, 1, 31)), "January 2024"),
        (numbers.month_name(date(2024, 12, 1), short=True), "Dec 2024"),
        (numbers.day(date(2024, 1, 2)), "2 January 2024"),
        (
            numbers.moment(datetime(2024, 1, 2, 3, 4, tzinfo=UTC)),
            "2 January 2024, 03:04 UTC",
        ),
        (numbers.ago(timedelta(days=1, hours=23)), "1 day"),
        (numbers.ago(timedelta(hours=3)), "3 hours"),
        (numbers.ago(timedelta(minutes=59, seconds=59)), "59 minutes"),
        (numbers.ago(timedelta(seconds=-5)), "less than a minute"),
        (numbers.change(112, 100), "+12 (+12.0%)"),
        (numbers.change(88, 100), "−12 (−12.0%)"),
        (numbers.change(5, 0), "+5"),
        (numbers.change(5, 5), "no change"),
        (numbers.change(5, None), None),
        (numbers.points(0.9, 0.912), "−1.2 points"),
        (numbers.points(0.9, 0.9), "no change"),
        (numbers.points(None, 0.9), None),
    ],
)
def test_a_number_is_shown_so(found, shown):
    assert found == shown


@given(st.integers(1, 10**9), st.integers(0, 10**9))
def test_a_share_that_is_not_whole_or_none_is_never_shown_as_one(whole, part):
    part %= whole + 1
    shown = numbers.share(part / whole)
    assert (shown == "100.0%") == (part == whole)
    assert (shown == "0.0%") == (part == 0)
