"""Finding what is new: names that are read, and the parts of a listing in which something can be new."""

import itertools
import threading
from concurrent.futures import CancelledError
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting_framework.storage import Entry, open_store
from reporting_framework.storage.object_names import MAX_SAMPLES, list_all
from reporting_object_store.json_source.days import day_of
from reporting_object_store.json_source.listing import ObjectFilter
from reporting_object_store.json_source.window_listing import (
    STRAY_LIMIT,
    WindowListing,
)
from tests.support.plugins import NAMES

_numbers = itertools.count(1)
NOW = datetime(2024, 6, 1, tzinfo=UTC)


def entries(*keys):
    return [Entry(key, 1, "v") for key in keys]


def filled(*keys):
    store = open_store(f"memory://listing-{next(_numbers)}/p")
    for key in keys:
        store.put(key, b"", if_version=None)
    return store


def since(store, ranges, days, include="log-*.json", names=None, began=None):
    """What a window lists; `began` is the number of days of the window that was begun with."""
    names = names or ObjectFilter(include, NAMES)
    marks = ranges if isinstance(ranges, dict) else dict.fromkeys(ranges, ())
    first, early = (
        day_of(NOW - timedelta(days=each))
        for each in (days, days if began is None else began)
    )
    pages = WindowListing(store, NAMES, marks, early, 8).pages(names, first)
    return [entry.key for page in pages for entry in page]


def key(action, moment, more=""):
    return f"log-{action}-{moment:%Y%m%d-%H%M%S}-{more}1.json"


def test_names_that_do_not_match_are_counted_and_sampled():
    names = ObjectFilter("log-*.json", None)
    kept = names.keep(
        entries(
            "log-a.json",
            "x/log-b.json",
            "log-a.txt",
            "a-log-a.json",
            "x/y",
            "LOG-a.json",
        )
    )
    assert [entry.key for entry in kept] == ["log-a.json", "x/log-b.json"]
    assert (names.ignored, names.samples) == (
        4,
        ["log-a.txt", "a-log-a.json", "x/y", "LOG-a.json"],
    )
    names.keep(entries(*(str(number) for number in range(10))))
    assert (names.ignored, len(names.samples)) == (14, MAX_SAMPLES)


def test_a_name_that_is_no_text_is_ignored_and_can_be_shown():
    names = ObjectFilter("*", None)
    assert names.keep(entries("\udcff.json", "é.json")) == entries("é.json")
    assert names.samples == ["\\udcff.json"]


def test_ranges_are_noted_also_where_one_begins_with_another():
    names = ObjectFilter("*", NAMES)
    names.keep(
        entries(
            "log-a-20240101.json",
            "log-a-20240102-000000-1.json",
            "log-a-b-20240101.json",
            "log-a-x.json",
            "log-é-20240101.json",
            "odd",
            "sub/log-a-20240101.json",
        )
    )
    assert names.ranges == {"log-a-", "log-a-b-", "log-é-", "sub/log-a-"}


def test_without_a_pattern_there_are_no_ranges():
    names = ObjectFilter("*", None)
    names.keep(entries("log-a-20240101.json"))
    assert names.ranges == set()


def test_a_listing_of_all_is_of_all():
    store, names = filled("b.json", "a.txt", "a.json"), ObjectFilter("*.json", None)
    assert [
        [entry.key for entry in page] for page in list_all(store, names, store.list())
    ] == [["a.json", "b.json"]]
    assert names.ignored == 1


def test_old_ones_of_a_known_range_are_not_listed():
    old, new = (key("a", NOW - timedelta(days=days)) for days in (40, 20))
    assert since(filled(old, new), ["log-a-"], 35) == [new]
    assert since(filled(old, new), ["log-a-"], 45) == [old, new]


def test_the_whole_first_day_is_listed():
    moment = (NOW - timedelta(days=35)).replace(hour=0)
    assert since(filled(key("a", moment)), ["log-a-"], 34.5) == [key("a", moment)]


def test_ranges_that_nobody_knew_of_are_found_wherever_they_sort():
    old = NOW - timedelta(days=300)
    known = [key("b", old), key("b", NOW), key("d", NOW)]
    unknown = [key(action, old) for action in ("a", "b-x", "c", "d-y", "e")] + [
        "log-",
        "log.json",
        "zzz/log-b-x.json",
    ]
    found = since(filled(*known, *unknown), ["log-b-", "log-d-"], 35, include="*")
    assert found == sorted([*known[1:], *unknown])


def test_odd_names_of_a_known_range_that_sort_behind_its_timestamps_are_found():
    assert since(filled("log-a-x.json", "log-a-1.json"), ["log-a-"], 35) == [
        "log-a-x.json"
    ]


def test_no_object_is_listed_twice_where_parts_meet():
    keys = [key("a", NOW - timedelta(days=days)) for days in range(-3, 40)] + [
        f"log-a-{NOW:%Y%m%d}.json"
    ]
    assert since(filled(*keys), ["log-a-"], 39) == sorted(keys)
    names = ObjectFilter("log-*.json", NAMES)
    since(
        filled(*keys, f"log-a-{NOW:%Y%m%d}", f"log-a-{NOW:%Y%m%d}-x"),
        ["log-a-"],
        39,
        names=names,
    )
    assert names.ignored == 2


def test_a_heap_of_strays_is_given_up_on():
    strays = [f"stray-{number:05d}" for number in range(STRAY_LIMIT + 5)]
    behind = "zzz-log.json"
    names = ObjectFilter("*log*.json", NAMES)
    assert since(
        filled(key("a", NOW), *strays, behind), ["log-a-"], 35, names=names
    ) == [key("a", NOW)]
    assert since(
        filled(key("a", NOW), *strays[:900], behind),
        ["log-a-"],
        35,
        include="*log*.json",
    ) == [
        key("a", NOW),
        behind,
    ]


def test_without_known_ranges_everything_is_listed():
    assert since(filled("b", "a"), [], 35, include="*") == ["a", "b"]


ACTIONS = ["a", "a-b", "b", "submit", "zz"]
MOMENTS = st.integers(-10, 80).map(lambda back: NOW - timedelta(days=back))


@given(
    st.sets(
        st.tuples(
            st.sampled_from(ACTIONS), st.integers(-10, 80), st.sampled_from(["", "x-"])
        ),
        max_size=12,
    ),
    st.dictionaries(
        st.sampled_from(ACTIONS),
        st.lists(MOMENTS.map(lambda moment: f"{moment:%Y%m%d-%H%M%S}"), max_size=4),
    ),
    st.sampled_from([0, 1, 35]),
    st.none() | st.integers(-10, 80),
)
def test_exactly_what_can_be_new_is_listed(objects, known, days, began):
    """All of unknown ranges, and of known ones what is dated on the first day or later: each once, in order.

    So it is wherever the listing is cut, and with whatever day it has begun.
    """
    keys = {
        key(action, NOW - timedelta(days=back), more): (action, back)
        for action, back, more in objects
    }
    first = f"{NOW - timedelta(days=days):%Y%m%d}"
    expected = [
        name
        for name, (action, back) in keys.items()
        if action not in known or f"{NOW - timedelta(days=back):%Y%m%d}" >= first
    ]
    marks = {f"log-{action}-": starts for action, starts in known.items()}
    assert since(filled(*keys), marks, days, began=began) == sorted(expected)


SHORT = st.text("-0129a", max_size=5)


@given(
    st.sets(SHORT.map(lambda text: f"log-{text}.json"), max_size=12),
    st.dictionaries(
        SHORT.map(lambda text: f"log-{text}"), st.lists(st.text("0129-", min_size=1))
    ),
    st.integers(-1, 2),
)
def test_names_and_ranges_of_any_form_are_never_skipped(keys, marks, began):
    """Wherever ranges begin with others: what is no range's, and what sorts behind its first day, is listed once."""
    due = [
        name
        for name in keys
        if not any(
            name.startswith(one) and name <= f"{one}{NOW:%Y%m%d}" for one in marks
        )
    ]
    found = since(filled(*keys), marks, 0, began=began)
    assert found == sorted(set(found))
    assert set(due) <= set(found) <= keys


def test_as_many_listings_are_under_way_as_are_allowed(monkeypatch):
    store, active, peak, lock = filled("x"), 0, 0, threading.Lock()
    listing = store.list

    def watched(*, after="", before=None):
        nonlocal active, peak
        with lock:
            active += 1
            peak = max(peak, active)
        yield from listing(after=after, before=before)
        with lock:
            active -= 1

    store.list = watched
    ranges = [f"log-{number}-" for number in range(200)]
    marks, names = dict.fromkeys(ranges, ()), ObjectFilter("*", NAMES)
    list(WindowListing(store, NAMES, marks, day_of(NOW), 3).pages(names, day_of(NOW)))
    assert 0 < peak <= 3


def test_a_listing_that_is_cancelled_requests_no_further_page():
    names, pages = ObjectFilter("*", NAMES), []
    there, go = threading.Event(), threading.Event()

    class Endless:
        def list(self, *, after, before):
            for number in itertools.count():
                there.set()
                assert go.wait(60)
                pages.append(number)
                yield entries(f"{number:09}")

    listing = WindowListing(Endless(), NAMES, {"a": (), "b": ()}, day_of(NOW), 1)
    assert there.wait(60)
    listing.cancel()
    go.set()
    with pytest.raises(CancelledError):
        list(listing.pages(names, day_of(NOW)))
    assert pages == [0]


@pytest.mark.parametrize("ranges", [["x//log-a-"], ["../log-a-"]])
def test_ranges_in_folders_that_are_hard_to_name_are_listed(moto_place, ranges):
    store, put = moto_place
    for moment in (NOW, NOW - timedelta(days=100)):
        put(f"{ranges[0]}{moment:%Y%m%d}-000000-1.json")
    put("zz")
    assert since(store, ranges, 35, include="*") == sorted(
        [f"{ranges[0]}{NOW:%Y%m%d}-000000-1.json", "zz"]
    )
