"""Marks: where the next run starts its listings, so that each takes one page."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from reporting_framework.storage import Entry
from reporting_object_store.json_source.listing import ObjectFilter
from reporting_object_store.json_source.marks import (
    MARK_KEYS,
    MAX_MARKS,
    PIECE_KEYS,
    newest_day,
    starts_of,
)
from tests.support.plugins import NAMES

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)


def listed(*counts, page=1000, minutes=1):
    """The marks of a listing that found this many names in each of several ranges."""
    keys = [
        f"log-{'abcd'[one]}-{BEGIN + timedelta(minutes=minutes * number):%Y%m%d-%H%M%S}-x"
        for one, count in enumerate(counts)
        for number in range(count)
    ]
    names = ObjectFilter("*", NAMES)
    for start in range(0, len(keys), page):
        names.keep([Entry(key, 1, "v") for key in keys[start : start + page]])
    return keys, names


@given(
    st.lists(st.integers(0, 5000), min_size=1, max_size=3),
    st.sampled_from([10, 1000, 10**6]),
    st.integers(0, 4),
)
def test_a_listing_has_as_many_pieces_as_it_needs_and_each_fits_into_a_page(
    counts, page, days
):
    keys, names = listed(*counts, page=page)
    first = f"{BEGIN + timedelta(days=days):%Y%m%d}"
    starts = starts_of(names.marks, first)
    assert starts.keys() == {
        f"log-{'abcd'[n]}-" for n, count in enumerate(counts) if count
    }
    for one, inner in starts.items():
        of_range = [
            key for key in keys if key.startswith(one) and key > f"{one}{first}"
        ]
        begins = [f"{one}{first}", *(f"{one}{start}" for start in inner), "~"]
        sizes = [
            sum(begin < key <= end for key in of_range)
            for begin, end in pairwise(begins)
        ]
        assert max(sizes) <= PIECE_KEYS + 2 * MARK_KEYS
        assert len(sizes) <= len(of_range) // PIECE_KEYS + 1


def test_the_newest_day_is_that_of_a_name_that_is_not_in_the_future():
    _, names = listed(3, 4, minutes=24 * 60)
    assert newest_day(names.marks) == "20240104"
    _, names = listed(3, minutes=60 * 24 * 365 * 30)
    assert newest_day(names.marks) == "20240101"
    assert newest_day({}) == ""


def test_the_marks_of_a_long_listing_are_those_of_its_end():
    _, names = listed(MARK_KEYS * (MAX_MARKS + 10))
    marks = names.marks["log-a-"]
    assert len(marks) == MAX_MARKS
    assert marks[-1].position == MARK_KEYS * (MAX_MARKS + 10) - 1
