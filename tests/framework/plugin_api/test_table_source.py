"""A table source: what it refuses of `fetch`, its window, its state, replay, and a run of the real runner."""

import sqlite3
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from pydantic import ValidationError

from reporting_framework import (
    FAULTY,
    PluginError,
    ReadFailure,
    SettingsError,
    StorageUnavailable,
    TableInfo,
    TableQuery,
    TableSettings,
)
from reporting_framework.builtin.frame_validator import FrameValidator
from reporting_framework.plugin_api.table_columns import key_of, source_keys
from reporting_framework.plugin_api.table_cursor import Cursor
from reporting_framework.testing.harness.ledger import KnownObjects
from reporting_framework.testing.harness.table_harness import TableRuns
from tests.framework.plugin_api.table_sources import (
    CURSORS,
    KEYS,
    OrdersTable,
    SqliteOrders,
)
from tests.framework.plugin_api.upserting import UpsertSink
from tests.support.plugins import execute, pipeline


@pytest.fixture
def place(tmp_path):
    """A table of ten rows with a cursor, and what makes its source."""

    def made(key="integer", cursor="time", rows=10):
        path = tmp_path / "orders.db"
        table = OrdersTable(path, key, cursor)
        for number in range(rows):
            table.put(number, number * 10)

        def source(cls=SqliteOrders, **changed):
            small = {"page_rows": 3, "split_rows": 4, "path": path, "key": key}
            chosen = {**small, "cursor": cursor, **changed}
            return cls(cls.Settings(**chosen))

        return table, source

    return made


def read(source, state=None):
    ledger = KnownObjects(state=state)
    return [batch for split in source.plan(ledger) for batch in source.read(split)]


def test_a_column_of_the_table_named_faulty_is_refused(place):
    class Other(SqliteOrders):
        def table_info(self):
            info = super().table_info()
            return info._replace(
                schema=pl.Schema({**info.schema, "_faulty": pl.String()})
            )

    _, source = place()
    with pytest.raises(
        SettingsError, match="table or/ders: column _faulty: .* a view that renames"
    ):
        source(Other).schema()


# -- what is wrong with a fetch is said ------------------------------------------------


def fetching(change):
    class Changed(SqliteOrders):
        def fetch(self, query):
            return change(super().fetch(query), query, super().fetch)

    return Changed


WRONG = {
    "it is no frame": (
        lambda frame, query, _: frame.lazy(),
        "returned the type LazyFrame; return a polars DataFrame",
    ),
    "a fault names no column": (
        lambda frame, query, _: frame.with_columns(pl.lit("a value").alias(FAULTY)),
        "returned a column _faulty of something else than names of columns",
    ),
    "a fault is a number": (
        lambda frame, query, _: frame.with_columns(pl.lit(1).alias(FAULTY)),
        "returned a column _faulty of something else than names of columns",
    ),
    "a column is missing": (
        lambda frame, query, _: frame.drop("k0"),
        "returned no column k0; select it",
    ),
    "a type is wrong": (
        lambda frame, query, _: frame.cast({"k0": pl.Int32}),
        "returned column k0 as Int32, and the schema says Int64; cast it",
    ),
    "there are too many rows": (
        lambda frame, query, fetch: fetch(query._replace(limit=1_000)),
        "apply the limit",
    ),
    "rows are not in order": (
        lambda frame, query, _: frame.reverse(),
        "not in the order of k0, or out of bounds",
    ),
    "pages begin from the start": (
        lambda frame, query, fetch: fetch(query._replace(after=None)),
        "not in the order of k0, or out of bounds",
    ),
    "pages go beyond the split": (
        lambda frame, query, fetch: fetch(query._replace(until=None)),
        "not in the order of k0, or out of bounds",
    ),
    "a key is null": (
        lambda frame, query, _: frame.with_columns(
            pl.when(pl.col("k0") != 0).then(pl.col("k0")).alias("k0")
        ),
        "returned rows in which k0 is null; leave them out",
    ),
    "a key is there twice": (
        lambda frame, query, _: frame.with_columns(pl.lit(1, pl.Int64).alias("k0")),
        "returned two rows of one primary key; the key must be unique",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_is_wrong_with_fetched_rows_is_said(place, what):
    change, message = WRONG[what]
    _, source = place()
    with pytest.raises(PluginError, match=f"table or/ders: fetch.*{message}"):
        read(source(fetching(change)))


def test_the_same_page_of_texts_again_and_again_is_said(place):
    """The order of texts is the database's, so only this is known."""
    _, source = place(key="text", cursor="none")
    with pytest.raises(PluginError, match="the same page twice"):
        read(
            source(fetching(lambda _, query, fetch: fetch(query._replace(after=None))))
        )


def test_columns_that_are_more_than_were_asked_for_are_left_out(place):
    _, source = place()
    more = fetching(lambda frame, *_: frame.with_columns(pl.lit(1).alias("more")))
    for batch in read(source(more)):
        assert batch.frame.columns == ["note", "k0", "at"]


@pytest.mark.parametrize(
    ("info", "message"),
    [
        (TableInfo("t", [], pl.Schema({"a": pl.Int64()})), "it has no primary key"),
        (TableInfo("t", ["b"], pl.Schema({"a": pl.Int64()})), "column b is not in"),
        (TableInfo("t", ["a", "a"], pl.Schema({"a": pl.Int64()})), "a column twice"),
        (TableInfo("t", ["a"], pl.Schema({"a": pl.Float64()})), "column a is Float64"),
        (
            TableInfo("t", ["a"], pl.Schema({"a": pl.Datetime("ns")})),
            "column a is Datetime",
        ),
        (
            TableInfo("t", ["a"], pl.Schema({"a": pl.Int64(), "b": pl.Binary()}), "b"),
            "cursor b is Binary",
        ),
    ],
)
def test_a_table_that_has_no_order_is_refused(info, message):
    class Wrong(SqliteOrders):
        def table_info(self):
            return info

    with pytest.raises(PluginError, match=message):
        Wrong(Wrong.Settings()).schema()


def test_a_column_without_a_name_is_refused():
    class Wrong(SqliteOrders):
        def table_info(self):
            return TableInfo("t", ["a"], pl.Schema({"a": pl.Int64(), "": pl.Int64()}))

    with pytest.raises(SettingsError, match="table t: a column has an empty name"):
        Wrong(Wrong.Settings()).schema()


# -- source keys and versions ----------------------------------------------------------


@pytest.mark.parametrize("key", KEYS)
def test_a_source_key_leads_back_to_its_row(place, key):
    table, source = place(key=key)
    info = source().info
    for number in range(10):
        types = {name: info.schema[name] for name in info.primary_key}
        values = table.key[1](number)
        frame = pl.DataFrame([values], types, orient="row")
        assert key_of(info, source_keys(info, frame).item()) == list(values)


def test_two_keys_have_two_source_keys():
    info = TableInfo("t", ["a", "b"], pl.Schema({"a": pl.String(), "b": pl.String()}))
    frame = pl.DataFrame(
        {"a": ["x/y", "x", "%2F", "/", ""], "b": ["z", "y/z", "", "", "/"]}
    )
    assert source_keys(info, frame).to_list() == [
        "t/x%2Fy/z",
        "t/x/y%2Fz",
        "t/%252F/",
        "t/%2F/",
        "t//%2F",
    ]


def test_versions_of_integers_are_in_their_order():
    numbers = [-(2**63), -10, -9, -1, 0, 1, 9, 10, 2**63 - 1]
    versions = Cursor("at", pl.Int64()).versions(pl.Series(numbers)).to_list()
    assert versions == sorted(set(versions))


def test_texts_are_versions_in_the_order_of_time():
    texts = ["2024-01-01", "2024-01-01T00:00:01Z", "2024-01-01 01:00:00.5+00:00"]
    later = ["2024-01-01T00:31-01:00", "2024-01-01T03:45:00.25+0200"]
    versions = Cursor("at", pl.String()).versions(pl.Series(texts + later)).to_list()
    assert versions == sorted(set(versions))
    assert versions[0] == "2024-01-01T00:00:00.000000Z"
    assert (
        Cursor("at", pl.String()).versions(pl.Series(["", "1", "soon"])).is_null().all()
    )


@pytest.mark.parametrize("cursor", [name for name in CURSORS if name != "none"])
def test_a_window_reads_what_is_not_before_the_look_back(place, cursor):
    table, source = place(cursor=cursor, rows=40)
    runs = TableRuns(source)
    runs.run()
    outcome = runs.run()
    assert outcome.stats.listing == "window"
    ticks = sorted({table.ticks[int(key.split("/")[1]) + 3] for key, _ in outcome.read})
    whole_days = "day" in cursor
    assert ticks[-1] == 390
    assert ticks[0] == (0 if whole_days else 330)
    if cursor != "integer" and not whole_days:
        moment = datetime(2024, 1, 1, 5, 30, tzinfo=UTC)
        assert abs(outcome.stats.listed_from - moment) < timedelta(hours=6)


@pytest.mark.parametrize(
    ("setting", "time", "integer"),
    [
        ({}, timedelta(hours=1), 0),
        ({"lookback": 90}, timedelta(seconds=90), 90),
        ({"lookback": "PT2M"}, timedelta(minutes=2), 120),
        ({"lookback": "2m"}, timedelta(minutes=2), 120),
        ({"lookback": "3d"}, timedelta(days=3), 259_200),
        ({"lookback": "1 day"}, timedelta(days=1), 86_400),
        ({"lookback": "00:02:00"}, timedelta(minutes=2), 120),
        ({"lookback": "90"}, timedelta(seconds=90), 90),
        ({"lookback": 1.5}, timedelta(seconds=1.5), 1),
        ({"lookback": 0}, timedelta(0), 0),
    ],
)
def test_the_look_back_is_an_hour_unless_set_and_nothing_for_integers(
    setting, time, integer
):
    chosen = TableSettings(**setting).lookback
    assert Cursor("at", pl.Datetime("us")).look_back(chosen) == time
    assert Cursor("at", pl.Int64()).look_back(chosen) == integer


def test_a_look_back_into_the_future_is_refused():
    for wrong in (-1, "-PT1S"):
        with pytest.raises(ValidationError, match="must not be below zero"):
            TableSettings(lookback=wrong)


@pytest.mark.parametrize("wrong", ["soon", "2x", "", [2], float("inf")])
def test_a_look_back_that_is_no_duration_is_refused_with_what_is_allowed(wrong):
    said = "give a number for an integer cursor, seconds, or a duration such as 2h"
    with pytest.raises(ValidationError, match=said) as refused:
        TableSettings(lookback=wrong)
    assert refused.value.error_count() == 1


# -- what decides between the whole table and a window ---------------------------------


def kind_of(source, state):
    planned = source()
    list(planned.plan(KnownObjects(state=state)))
    return planned.plan_stats()


def test_the_whole_table_is_read_when_a_window_would_lose_rows(place):
    _, source = place()
    runs = TableRuns(source)
    runs.run()
    state = runs.state
    assert kind_of(source, state).listing == "window"
    for other in (
        None,
        {**state, "table": ["others", "k0"]},
        {**state, "position": None},
    ):
        assert kind_of(source, other).listing == "full"
    ahead = {**state, "position": "2024-06-01T00:00:00+00:00"}
    assert kind_of(source, ahead).listing == "full", "the table was put back"
    assert kind_of(lambda: source(full_scan=True), state).snapshot


def test_a_full_scan_is_due_after_some_days(place):
    _, source = place()
    runs = TableRuns(source)
    runs.run(full_scan_every_days=1)
    weekly = lambda: source(full_scan_every_days=7)  # noqa: E731
    stats = kind_of(weekly, runs.state)
    assert stats.listing == "window"
    assert abs(stats.full_scan_due - datetime.now(UTC) - timedelta(days=7)) < timedelta(
        minutes=5
    )
    for days in (8, -1):
        scanned = (datetime.now(UTC) - timedelta(days=days)).isoformat()
        assert kind_of(weekly, {**runs.state, "scanned": scanned}).listing == "full"


def test_another_cursor_is_refused_as_its_versions_have_another_order(place):
    _, source = place()
    runs = TableRuns(source)
    runs.run()
    for cursor in ("none", "integer"):
        with pytest.raises(SettingsError, match="the cursor was at: times, and now"):
            read(source(cursor=cursor), runs.state)
        with pytest.raises(SettingsError, match="the cursor was at: times, and now"):
            source(cursor=cursor).describe_hints(KnownObjects(state=runs.state))


def test_another_primary_key_is_refused_as_its_source_keys_are_of_other_rows(place):
    _, source = place()
    runs = TableRuns(source)
    runs.run()
    with pytest.raises(
        SettingsError,
        match="table or/ders: the primary key was k0, and now it is k0, k1: source keys"
        " cannot be compared; go back to it, reset the report's state, or use another",
    ):
        read(source(key="two integers"), runs.state)


def test_a_row_from_the_future_hides_no_other(place):
    table, source = place()
    table.put(50, 10**7)
    runs = TableRuns(source)
    assert "in the future" in runs.run().stats.warnings[0]
    table.put(3, 95)
    runs.run()
    assert runs.live["or%2Fders/0"]["note"] == table.notes[3]


def test_a_clock_that_is_ahead_of_ours_is_no_place_to_look_back_from(place):
    table, source = place()
    minutes = (
        datetime.now(UTC) - datetime(2024, 1, 1, tzinfo=UTC)
    ).total_seconds() / 60
    table.put(50, round(minutes) + 3)
    runs = TableRuns(source)
    assert not runs.run().stats.warnings
    assert datetime.fromisoformat(runs.state["position"]) <= datetime.now(UTC)


@pytest.mark.parametrize("text", ["zzz", "9999-12-31T23:30:00-01:00"])
def test_a_text_that_is_not_a_time_is_rejected_and_hides_no_other(place, text):
    """A time after the year 9999 in UTC is none."""
    table, source = place(cursor="text")
    table.put(50, 0)
    table.execute(f"UPDATE orders SET at = '{text}' WHERE k0 = 47")
    runs = TableRuns(source)
    outcome = runs.run()
    assert outcome.rejected == ["or%2Fders/47"]
    assert outcome.stats.warnings
    table.put(3, 95)
    runs.run()
    assert runs.live["or%2Fders/0"]["note"] == table.notes[3]


def test_texts_of_several_offsets_are_looked_back_to_as_times(place):
    """Their order as texts is not that of time; the least offset there was counts."""
    table, source = place(cursor="text")
    west = "'2023-12-31T20:00:00-05:00'"
    table.execute(f"UPDATE orders SET at = {west} WHERE k0 = -3")
    runs = TableRuns(source)
    for k0 in (90, 91):
        runs.run(page_rows=1, split_rows=1)
        table.execute(f"INSERT INTO orders VALUES ('late', {k0}, {west})")
        runs.run()
        assert runs.rows[f"or%2Fders/{k0}"].version == "2024-01-01T01:00:00.000000Z"
        table.put(8, 80)


FORMS = (
    "2024-01-01T{}:30:00Z",
    "2024-01-01 {}:30:00",
    "2024-01-01 {}:30",
    "2024-01-01T{}:30:00.123456+00:00",
    "2024-01-01 {}:30:00.5+0000",
    "2024-01-01T{}:30:00",
)


@pytest.mark.parametrize("later", [*FORMS, "2024-01-01T{}:30:00-10:00", "2024-01-02"])
@pytest.mark.parametrize("form", FORMS[:2])
def test_a_text_of_another_form_is_not_missed(place, form, later):
    """Its place among the texts of the other form is not that of its time."""
    table, source = place(cursor="text", rows=3)
    table.execute(f"UPDATE orders SET at = '{form.format(10)}'")
    runs = TableRuns(source)
    runs.run()
    hour = "02" if "-10:00" in later else "12"
    for number in (50, 51):
        written = later.format(hour)
        table.execute(f"INSERT INTO orders VALUES ('late', {number}, '{written}')")
        outcome = runs.run(page_rows=1, split_rows=1)
        assert outcome.stats.listing == "window"
        assert f"or%2Fders/{number}" in runs.live
    assert not outcome.stats.warnings, "the form is known by now"


def test_a_text_of_another_form_is_warned_of(place):
    table, source = place(cursor="text")
    runs = TableRuns(source)
    runs.run()
    table.execute("INSERT INTO orders VALUES ('late', 50, '2024-01-01 01:25:00')")
    (warning,) = runs.run().stats.warnings
    assert "cursor at: new texts have another form than the ones before" in warning
    table.execute("INSERT INTO orders VALUES ('late', 51, '2024-01-01-X')")
    outcome = runs.run()
    assert outcome.rejected == ["or%2Fders/51"]


def test_rows_without_a_cursor_are_read_by_full_scans_and_warned_of(place):
    table, source = place()
    table.execute("UPDATE orders SET at = NULL WHERE k0 = 0")
    runs = TableRuns(source)
    runs.run()
    assert runs.rows["or%2Fders/0"].version is None
    table.execute("UPDATE orders SET note = 'new' WHERE k0 = 0")
    (warning,) = runs.run().stats.warnings
    assert "1 rows have none, and increments do not find them" in warning
    runs.run(full_scan=True)
    assert runs.live["or%2Fders/0"]["note"] == "new"


def test_a_full_scan_takes_the_place_of_a_window_that_was_stopped(place):
    table, source = place()
    runs = TableRuns(source)
    runs.run()
    for number in range(20, 30):
        table.put(number, 100)
    runs.run(splits=1)
    assert runs.state["read"]
    outcome = runs.run(full_scan=True)
    assert outcome.stats.snapshot
    assert len(outcome.read) == 20


def test_an_empty_table_is_read_whole(place):
    table, source = place(rows=0)
    runs = TableRuns(source)
    outcome = runs.run()
    assert (outcome.complete, outcome.stats.snapshot, outcome.read) == (True, True, [])
    table.put(1, 5)
    runs.run()
    assert len(runs.live) == 1


def test_what_comes_next_is_described(place):
    _, source = place()
    runs = TableRuns(source)
    described = lambda: source().describe_hints(KnownObjects(state=runs.state))  # noqa: E731
    assert described() == ["Reads the whole table."]
    runs.run(splits=1)
    assert described() == [
        "Goes on reading the whole table, from where a run was stopped."
    ]
    runs.run()
    assert described() == ["Reads rows whose at is 2024-01-01 00:30:00+00:00 or later."]


# -- failures and replay ---------------------------------------------------------------


def test_a_page_that_fails_keeps_the_pages_before_it(place):
    class Failing(SqliteOrders):
        pages = 0

        def fetch(self, query):
            Failing.pages += len(query.columns) > 2
            if Failing.pages == 4 and len(query.columns) > 2:
                raise StorageUnavailable("the database does not answer")
            return super().fetch(query)

    _, source = place()
    runs = TableRuns(lambda **changed: source(Failing, **changed))
    first = runs.run()
    assert first.rejected == ["or/ders/full/000001"]
    assert runs.state["read"][-1] == [3], "two pages of a split, and one of the next"
    runs.run()
    assert len(runs.live) == 10


def test_rows_are_read_again_by_their_source_keys(place):
    _, source = place(key="two integers")
    splits = list(
        source().plan_replay(["or%2Fders/1/1", "or%2Fders/1/2", "x", "or%2Fders/1/a"])
    )
    (batch,) = [batch for split in splits for batch in source().read(split)]
    assert list(batch.source_keys) == ["or%2Fders/1/1"]
    assert [item.source_key for item in batch.unread] == [
        "or%2Fders/1/2",
        "x",
        "or%2Fders/1/a",
    ]
    assert isinstance(batch.unread[0], ReadFailure)


# -- the SQL of a query ----------------------------------------------------------------


@pytest.mark.parametrize("bound", ["after", "until"])
def test_a_bound_of_several_columns_is_that_of_row_values(bound):
    rows = [(a, b, c) for a in range(3) for b in range(3) for c in range(3)]
    query = TableQuery(["a", "b", "c"], ["a", "b", "c"], 100)
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("CREATE TABLE t (a, b, c)")
        database.executemany("INSERT INTO t VALUES (?, ?, ?)", rows)
        for row in rows:
            for length in (1, 2, 3):
                text, values = query._replace(**{bound: row[:length]}).select("t")
                found = database.execute(text, values).fetchall()
                assert found == [
                    each
                    for each in rows
                    if (
                        each[:length] > row[:length]
                        if bound == "after"
                        else each[:length] <= row[:length]
                    )
                ]


def test_names_and_parameters_are_as_the_author_says():
    query = TableQuery(["a"], ["a", "b"], 5, floor=1, keys=[(1, 2), (3, 4)], offset=2)
    text, values = query.select("s.t", quote="`{}`".format, placeholder="%s")
    assert text == (
        "SELECT `a` FROM s.t WHERE `a` >= %s AND ((`a` = %s AND `b` = %s) OR"
        " (`a` = %s AND `b` = %s)) ORDER BY `a`, `b` LIMIT 5 OFFSET 2"
    )
    assert values == [1, 1, 2, 3, 4]


# -- with the runner -------------------------------------------------------------------


def run(source, sink, **how):
    validator = FrameValidator(FrameValidator.Settings())
    validator.bind(source.schema())
    made = pipeline(source, sink, validator=validator)
    schema = validator.schema
    return execute(made._replace(schema=schema, write_modes=["upsert"]), **how)


def test_runs_of_a_report_keep_a_table_as_its_source_has_it(place):
    table, source = place()
    sink = UpsertSink()
    first = run(source(), sink)
    assert (first.inserted, first.listing, first.complete) == (10, "full", True)
    table.put(2, 95)
    table.put(20, 91)
    table.delete(0)
    second = run(source(), sink)
    assert (second.inserted, second.listing) == (1, "window")
    third = run(source(full_scan=True), sink)
    assert third.records_read == 10
    notes = {row["note"] for row in sink.rows.values()}
    assert notes == set(table.notes.values())


def test_runs_that_the_deadline_stops_get_to_the_end(place):
    table, source = place()
    sink = UpsertSink()
    results = []
    while not results or not results[-1].complete:
        results.append(run(source(), sink, deadline=time.monotonic()))
        table.put(0, 90 + len(results))
        assert len(results) < 10
    assert [result.inserted for result in results] == [4, 4, 2]
    assert run(source(), sink).listing == "window"
    notes = {row["note"] for row in sink.rows.values()}
    assert notes == set(table.notes.values())
