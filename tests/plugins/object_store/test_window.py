"""A run that lists only what can be new: the requests it makes, when it makes them, and what it never misses."""

import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import strategies as st

from reporting_framework.errors import CorruptCheckpoint, StepFailed
from reporting_framework.execution.pipeline import prepared
from reporting_framework.storage import open_store
from reporting_framework.testing.s3 import lead_to
from reporting_object_store.json_source import marks
from reporting_object_store.json_source import source as module
from reporting_object_store.json_source.window_listing import WindowListing
from tests.support.endless_bucket import endless_bucket
from tests.support.plugins import (
    checkpoint,
    event,
    execute,
    name_of,
    pipeline,
    source,
    source_keys_of,
    take,
)
from tests.support.properties import given_few

_numbers = itertools.count(1)
NOW = datetime.now(UTC).replace(microsecond=0)
BASE = NOW.replace(hour=0, minute=0, second=0) - timedelta(days=200)
LOOKBACK = 10


def fill(uri, objects):
    store = open_store(uri)
    for key, data in objects.items():
        store.put(key, data, if_version=None)


# -- requests ------------------------------------------------------------------------------------------------------------

ACTIONS = ["delete", "not-pass-qc", "pass-qc", "submit"]
APART = timedelta(minutes=20)


class Names(Sequence):
    """The names of a folder of so many objects, the last of each action dated now."""

    def __init__(self, count):
        self._each = count // len(ACTIONS)

    def __len__(self):
        return self._each * len(ACTIONS)

    def __getitem__(self, at):
        if isinstance(at, slice):
            return [self[one] for one in range(*at.indices(len(self)))]
        action, number = divmod(at, self._each)
        moment = NOW - APART * (self._each - 1 - number)
        return f"p/{name_of(0, action=ACTIONS[action], at=moment)}"


class Full:
    """A ledger that has every object."""

    rows, newest = 1, NOW

    def __init__(self, hints):
        self.hints = hints

    def newest_until(self, moment):
        return self.newest

    def filter_new(self, objects, version_of):
        self.asked = objects
        return []


def requests_of_a_window(count, monkeypatch):
    """The requests of a run that finds nothing new, after one that was a full scan of the window's size."""
    with endless_bucket(Names(count)) as listings:
        lead_to(listings.server, monkeypatch)
        made = source("s3://any/p")
        ledger = Full(
            {
                **made._identity,
                "listed": NOW.isoformat(),
                "looked": (NOW + timedelta(days=1)).isoformat(),
                "ranges": {f"log-{action}-": [] for action in ACTIONS},
                "dated": "",
                "unread": [],
                "rows": 0,
            }
        )
        assert list(made.plan(ledger)) == []
        hints = made.next_hints(complete=True, unread=[], rows=1)
        listings.requests.clear()
        made, ledger = source("s3://any/p"), Full(hints)
        made.prefetch(hints)
        assert list(made.plan(ledger)) == []
        first = f"{NOW - timedelta(days=35):%Y%m%d}"
        assert ledger.asked == sorted(
            name[2:]
            for name in Names(20_000)
            if name.rpartition("-0.")[0][-15:] >= first
        )
        return listings.requests


def test_a_million_keys_take_the_requests_of_twenty_thousand_all_at_once(monkeypatch):
    few = requests_of_a_window(20_000, monkeypatch)
    many = requests_of_a_window(1_000_000, monkeypatch)
    names = 4 * timedelta(days=36) / APART
    assert len(few) == len(many) <= names / marks.PIECE_KEYS + 2 * len(ACTIONS) + 1
    assert not any("continuation-token" in query for query in many), "one page each"


# -- requests that begin early ---------------------------------------------------------------------------------------------


@pytest.fixture
def listings(monkeypatch):
    """All listings of windows: the first day of each, and whether the ledger was open by then."""
    begun = []
    real = WindowListing.__init__

    def noted(self, store, pattern, starts, day, at_once):
        begun.append(day)
        real(self, store, pattern, starts, day, at_once)

    monkeypatch.setattr(WindowListing, "__init__", noted)
    return begun


def place():
    uri = f"memory://window-{next(_numbers)}"
    return f"{uri}/in", f"{uri}/out/x.parquet"


def days(*numbers):
    """Objects that are dated so many days after the start."""
    return {
        name_of(number, at=BASE + timedelta(days=number)): event(
            number, at=BASE + timedelta(days=number)
        )
        for number in numbers
    }


def test_the_listing_of_the_next_run_begins_before_its_ledger_is_read(
    listings, monkeypatch
):
    uri, table = place()
    fill(uri, days(1, 90))
    take(uri, table)
    order = []
    real = module.ObjectStoreJson.prefetch
    monkeypatch.setattr(
        module.ObjectStoreJson,
        "prefetch",
        lambda *arguments: (order.append("prefetch"), real(*arguments)),
    )
    fill(uri, days(89, 91))
    assert take(uri, table).accepted == 2
    assert order == ["prefetch"]
    assert listings == [f"{BASE + timedelta(days=55):%Y%m%d}"], "one listing alone"


@pytest.mark.parametrize("dated", [0, 60, 89, 90, 91, 150])
def test_whatever_day_was_expected_the_same_is_read(listings, dated):
    """Also if rows are dated otherwise than names."""
    uri, table = place()
    fill(uri, days(1, 90))
    take(uri, table)
    with prepared(made := pipeline(source(uri), checkpoint(table))):
        list(made.sinks[0].ledger().filter_new([]))
        hints = dict(made.metadata.hints)
        assert hints["dated"] == f"{BASE + timedelta(days=90):%Y%m%d}"
        made.metadata.save_hints(
            hints | {"dated": f"{BASE + timedelta(days=dated):%Y%m%d}"}
        )
    fill(uri, days(53, 54, 55, 56, 89, 95))
    result = take(uri, table)
    assert result.listing == "window"
    assert result.accepted == 4
    assert [key for key in source_keys_of_memory(table) if key in days(53, 54)] == []
    assert len(listings) == 1


def source_keys_of_memory(table):
    folder, _, name = table.rpartition("/")
    return source_keys_of(open_store(folder).get(name).data)


def test_outdated_hints_start_a_listing_that_is_not_used(listings):
    uri, table = place()
    fill(uri, days(1, 90))
    take(uri, table)
    folder, _, name = table.rpartition("/")
    store = open_store(folder)
    store.delete(name, if_version=store.head(name).version)
    result = take(uri, table)
    assert (result.listing, result.accepted, len(listings)) == ("full", 2, 1)


def test_a_replay_and_a_full_scan_list_no_window(listings):
    uri, table = place()
    fill(uri, days(1, 90) | {name_of(5): b"{}"})
    take(uri, table)
    execute(pipeline(source(uri), checkpoint(table)), replay=[name_of(5)])
    assert take(uri, table, full_scan=True).listing == "full"
    assert listings == []


def test_a_ledger_that_cannot_be_read_ends_the_early_listing(listings):
    uri, table = place()
    fill(uri, days(1, 90))
    take(uri, table)
    folder, _, name = table.rpartition("/")
    store = open_store(folder)
    store.put(name, b"no parquet", if_version=store.head(name).version)
    made = source(uri)
    with pytest.raises(CorruptCheckpoint):
        execute(pipeline(made, checkpoint(table)))
    assert len(listings) == 1
    assert made._early._pool._shutdown


def test_an_error_of_a_prefetch_fails_the_run(monkeypatch):
    uri, table = place()
    fill(uri, days(1))

    def broken(self, hints):
        raise ValueError("prefetch")

    monkeypatch.setattr(module.ObjectStoreJson, "prefetch", broken)
    with pytest.raises(StepFailed, match="raised ValueError"):
        take(uri, table)


# -- nothing is missed ---------------------------------------------------------------------------------------------------

arrival = st.tuples(
    st.sampled_from(["a", "a-b", "submit", "zz"]),
    st.integers(0, 60 * 24),  # hours after BASE: what the name says
    st.integers(-47, 47),  # hours by which the record's clock is off
    st.integers(0, 3),  # the run before which it arrives
)


@given_few(
    st.lists(arrival, max_size=12, unique_by=lambda each: each[:2]),
    st.lists(st.integers(-400, 400), min_size=4, max_size=4),
)
def test_a_machine_s_wrong_clock_hides_nothing_that_is_late(arrivals, clocks):
    """A model of a bucket: objects arrive in any order, before runs on machines whose clocks are days off.

    Each run takes every object that arrived by then and is dated within the look-back before the newest row that is
    not in the future, by the clock of the run, or whose range is new; each once.
    """
    uri, table = place()
    taken, ranges, newest = set(), set(), None
    arrived, moments = {}, {}
    for run, off in enumerate(clocks):
        now = datetime.now(UTC) + timedelta(days=off)
        for number, (action, hours, skew, before) in enumerate(arrivals):
            if before == run:
                named = BASE + timedelta(hours=hours)
                name = name_of(number, action=action, at=named)
                moments[name] = named + timedelta(hours=skew)
                fill(uri, {name: event(number, at=moments[name])})
                arrived[name] = action, named
        past = [moments[name] for name in taken if moments[name] <= now]
        newest = max(past, default=None)
        first = f"{newest - timedelta(days=LOOKBACK):%Y%m%d}" if newest else ""
        due = {
            name
            for name, (action, named) in arrived.items()
            if action not in ranges or f"{named:%Y%m%d}" >= first
        } - taken
        with pytest.MonkeyPatch.context() as patch:
            for each in (module, marks):
                patch.setattr(each, "datetime", clock(now))
            result = take(uri, table, lookback_days=LOOKBACK)
        found = set(source_keys_of_memory(table)) if taken or result.accepted else set()
        assert due <= found, "what is due is found by this run"
        assert result.accepted == len(found - taken), "and nothing twice"
        taken = found
        ranges |= {arrived[name][0] for name in taken}
    assert take(uri, table, full_scan=True).accepted == len(arrived.keys() - taken)


def clock(now):
    """A class like `datetime` whose present moment is `now`."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return now

    return Clock
