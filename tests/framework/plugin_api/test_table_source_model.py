"""A table under any inserts, updates, late commits, deletes, stops and crashes ends up as its source has it."""

import tempfile
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reporting_framework.plugin_api.table_columns import source_keys
from reporting_framework.testing.harness.table_harness import TableRuns
from tests.framework.plugin_api.table_sources import (
    CURSORS,
    KEYS,
    OrdersTable,
    SqliteOrders,
)
from tests.support.properties import given_few

LOOK_BACK = 60
NUMBERS = st.integers(0, 11)
PUTS = st.tuples(st.just("put"), NUMBERS, st.integers(-LOOK_BACK, 200))
DELETES = st.tuples(st.just("delete"), NUMBERS)
RUNS = st.tuples(
    st.just("run"),
    st.fixed_dictionaries(
        {
            "splits": st.none() | st.integers(1, 3),
            "crash_after": st.none() | st.integers(1, 3),
            "page_rows": st.integers(1, 4),
            "split_rows": st.integers(1, 5),
        }
    ),
    st.lists(PUTS | DELETES, max_size=4),
)
HISTORIES = st.lists(st.one_of(PUTS, PUTS, DELETES, RUNS), min_size=4, max_size=14)


class World:
    """A table, and what the runs have made of it."""

    def __init__(self, folder, key, cursor, snapshots):
        path = folder / "orders.db"
        self.table = OrdersTable(path, key, cursor)
        self.source = SqliteOrders(
            SqliteOrders.Settings(
                path=path, key=key, cursor=cursor, snapshots=snapshots
            )
        )
        chosen = self.source.settings
        self.runs = TableRuns(
            lambda **changed: SqliteOrders(chosen.model_copy(update=changed))
        )

    def do(self, what, *how):
        getattr(self, what)(*how)

    def put(self, number, later):
        """A row's cursor never goes back, and is at most the look-back behind."""
        tick = max(self.table.last + later, self.table.past.get(number, 0))
        self.table.put(number, tick)

    def delete(self, number):
        if number in self.table.ticks:
            self.table.delete(number)

    def run(self, how, meanwhile):
        rest = iter(meanwhile)

        def during():
            for what in rest:
                self.do(*what)
                return

        self.runs.run(**how, during=during)

    def key_of(self, number):
        info = self.source.info
        types = {name: info.schema[name] for name in info.primary_key}
        return source_keys(
            info, pl.DataFrame([self.table.key[1](number)], types, orient="row")
        ).item()

    @property
    def due(self):
        return {self.key_of(number): note for number, note in self.table.notes.items()}

    @property
    def kept(self):
        return {key: values["note"] for key, values in self.runs.live.items()}


def check(key, cursor, snapshots, history):
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder), key, cursor, snapshots)
        for what in history:
            world.do(*what)
        for _ in range(40):
            if world.runs.run(splits=1, page_rows=2, split_rows=3).complete:
                break
        else:
            raise AssertionError("repeated short runs get to the end")
        world.runs.run(page_rows=2, split_rows=3)
        kept, due = world.kept, world.due
        assert {name: kept.get(name) for name in due} == due, "nothing is lost"
        last = world.runs.run(full_scan=True, page_rows=2, split_rows=3)
        assert world.kept == due, "a full scan gives the table as it is"
        assert last.complete
        assert last.stats.snapshot


@given_few(
    st.sampled_from(list(KEYS)),
    st.sampled_from(list(CURSORS)),
    st.booleans(),
    HISTORIES,
)
def test_the_table_ends_as_its_source(key, cursor, snapshots, history):
    check(key, cursor, snapshots, history)


thorough = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


@pytest.mark.slow
@pytest.mark.parametrize("cursor", CURSORS)
def test_the_table_ends_as_its_source_whatever_the_cursor(cursor):
    @thorough
    @given(st.booleans(), HISTORIES)
    def holds(snapshots, history):
        check("integer", cursor, snapshots, history)

    holds()


@pytest.mark.slow
@pytest.mark.parametrize("key", KEYS)
def test_the_table_ends_as_its_source_whatever_the_key(key):
    @thorough
    @given(st.sampled_from(["none", "text", "time"]), st.booleans(), HISTORIES)
    def holds(cursor, snapshots, history):
        check(key, cursor, snapshots, history)

    holds()
