"""The base class of sinks of a database, on SQLite."""

import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from reporting_framework import (
    DELETED_AT,
    SOURCE_KEY,
    VERSION,
    CommitConflict,
    CommitContext,
    CommitResult,
    CorruptCheckpoint,
    SettingsError,
    Split,
    StorageUnavailable,
    UpsertCounts,
)
from reporting_framework.testing.harness.versions import Change, Frames, TableModel
from tests.framework.tables.databases import SqliteTable
from tests.support.properties import given_few

AT = datetime(2024, 3, 1, tzinfo=UTC)
SCHEMA = pl.Schema({"value": pl.Int64(), SOURCE_KEY: pl.String()})


def edition(number, edition):
    return pl.DataFrame([(edition, f"{number}.json")], schema=SCHEMA, orient="row")


FRAMES = Frames(edition)


def sink(path, **more):
    made = {"path": str(path), "table": "orders", **more}
    return SqliteTable(SqliteTable.Settings(**made))


def run(
    path, parts=(), mode="upsert", schema=SCHEMA, frames=None, more=None, **context
):
    table = sink(path, **(more or {}))
    table.open(schema, mode)
    if frames is None:
        frames = [FRAMES.of(part, versions=mode != "append") for part in parts if part]
    staged = [
        table.stage(frame, Split(str(at), {}), 0) for at, frame in enumerate(frames)
    ]
    try:
        result: CommitResult = table.commit(staged, CommitContext(**context))
    finally:
        table.close()
    return result


def rows(path, query="SELECT * FROM orders"):
    with closing(sqlite3.connect(path)) as database:
        return sorted(database.execute(query).fetchall(), key=repr)


def table_of(path):
    table = sink(path)
    table.open(SCHEMA, "upsert")
    return table.scan().collect()


# -- the rules of the write modes, against a dict ------------------------------------

changes = st.builds(
    Change,
    st.integers(0, 4),
    st.sampled_from([None, "", "1", "10", "2", "é"]),
    st.integers(0, 2),
    st.sampled_from([None, None, AT, AT + timedelta(hours=1)]),
)
runs = st.lists(
    st.tuples(
        st.lists(st.lists(changes, max_size=4), max_size=3),
        st.sampled_from([None, None, AT]),
        st.sets(st.integers(0, 4), max_size=2),
    ),
    min_size=1,
    max_size=4,
)
examples = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@given_few(runs=runs)
def test_upserts_give_what_a_dict_gives(tmp_path_factory, runs):
    path, model = tmp_path_factory.mktemp("upsert") / "a.db", TableModel()
    for parts, snapshot_at, read in runs:
        result = run(
            path,
            parts,
            snapshot=snapshot_at is not None,
            at=snapshot_at,
            not_staged=[FRAMES.key(number) for number in read],
        )
        counts, duplicates = model.upsert(
            parts, snapshot_at=snapshot_at, not_staged=list(read)
        )
        assert (result.upserted, result.duplicates) == (counts, duplicates)
        live = sum(row.deleted is None for row in model.rows.values())
        assert result.outputs[0].rows == live
        if model.rows:
            assert FRAMES.differences(model, table_of(path)) == []


@given_few(
    runs=st.lists(st.lists(st.lists(changes, max_size=4), max_size=3), max_size=4)
)
def test_appends_give_what_a_dict_gives(tmp_path_factory, runs):
    path, due = tmp_path_factory.mktemp("append") / "a.db", {}
    for parts in runs:
        result = run(path, parts, "append")
        staged = [
            (FRAMES.key(each.number), each.edition) for part in parts for each in part
        ]
        new = {key: value for key, value in reversed(staged) if key not in due}
        due |= new
        assert result.duplicates == len(staged) - len(new)
        assert (result.outputs[0].rows, result.outputs[0].new_rows) == (
            len(due),
            len(new),
        )
        if due:
            assert dict(map(reversed, rows(path))) == due


@given_few(parts=st.lists(st.lists(changes, max_size=5), max_size=3))
def test_a_replacement_gives_what_a_dict_gives(tmp_path_factory, parts):
    path, model = tmp_path_factory.mktemp("replace") / "a.db", TableModel()
    run(path, [[Change(number, "9") for number in range(9)]], "replace")
    result = run(path, parts, "replace")
    _, duplicates = model.upsert(parts)
    due = {
        FRAMES.key(number): row.edition
        for number, row in model.rows.items()
        if row.deleted is None
    }
    assert dict(map(reversed, rows(path))) == due
    assert (result.outputs[0].rows, result.duplicates) == (len(due), duplicates)


def test_hard_deletes_remove_rows(tmp_path):
    path, hard = tmp_path / "a.db", {"deletes": "hard"}
    run(path, [[Change(number) for number in range(3)]], more=hard)
    result = run(
        path,
        [[Change(0, "2", deleted=AT), Change(9, "2", deleted=AT)]],
        more=hard,
        snapshot=True,
        not_staged=["1.json"],
    )
    assert result.upserted.deleted == 2
    assert rows(path) == [(0, "1.json", "1", None)]


@pytest.mark.parametrize("version", ["1", None])
@pytest.mark.parametrize(
    ("began", "raced", "lives"),
    [(-1, True, False), (0, True, True), (1, True, True), (-1, False, True)],
)
def test_a_row_deleted_since_the_run_began_stays_deleted(
    tmp_path, version, began, raced, lives
):
    path = tmp_path / "a.db"
    run(path, [[Change(0, version), Change(1, version)]])
    table = sink(path)
    if raced:
        table.open(SCHEMA, "upsert")
    run(path, [[Change(1, version)]], snapshot=True, at=AT)
    if not raced:
        table.open(SCHEMA, "upsert")
    changes = [Change(0, version), Change(1, version, 5), Change(2, version)]
    part = table.stage(FRAMES.of(changes), Split("s", {}), 0)
    result = table.commit([part], CommitContext(at=AT + timedelta(minutes=began)))
    table.close()
    assert (result.overtaken, result.duplicates) == (raced, int(not lives))
    assert result.upserted == UpsertCounts(inserted=1 + lives, updated=1)
    deleted = table_of(path).filter(pl.col(DELETED_AT).is_not_null())
    assert deleted[SOURCE_KEY].to_list() == ([] if lives else ["0.json"])


def test_a_newer_version_revives_a_row_deleted_since_the_run_began(tmp_path):
    path = tmp_path / "a.db"
    run(path, [[Change(0, "1")]])
    table = sink(path)
    table.open(SCHEMA, "upsert")
    run(path, snapshot=True, at=AT)
    part = table.stage(FRAMES.of([Change(0, "2")]), Split("s", {}), 0)
    result = table.commit([part], CommitContext(at=AT - timedelta(hours=1)))
    table.close()
    assert (result.upserted.inserted, result.outputs[0].rows) == (1, 1)


def test_deletes_that_become_hard_remove_what_was_deleted_before(tmp_path):
    path = tmp_path / "a.db"
    run(path, [[Change(0), Change(1)]])
    run(path, [[Change(1, "2", deleted=AT), Change(2, "1", deleted=AT)]])
    result = run(path, [[Change(0)]], more={"deletes": "hard"})
    output = result.outputs[0]
    assert (output.rows, output.deleted_rows, result.upserted.deleted) == (1, 0, 0)
    assert table_of(path)[SOURCE_KEY].to_list() == [FRAMES.key(0)]


# -- runs at once, and runs that are killed ------------------------------------------


def write(path, number, barrier):
    barrier.wait()
    for turn in range(3):
        parts = [[Change(at, f"{turn}{(at + number) % 8}", number)] for at in range(5)]
        run(path, parts, state={"number": number})
        own = [Change(100 + number, f"{turn}", turn)]
        run(path, [own])


@pytest.mark.slow
def test_processes_that_commit_at_once_give_what_one_after_the_other_gives(tmp_path):
    path, context = tmp_path / "a.db", multiprocessing.get_context("spawn")
    barrier = context.Barrier(8)
    writers = [
        context.Process(target=write, args=(path, number, barrier))
        for number in range(8)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0] * 8
    model = TableModel()
    for number in range(8):
        for turn in range(3):
            model.upsert(
                [[Change(at, f"{turn}{(at + number) % 8}", number)] for at in range(5)]
            )
            model.upsert([[Change(100 + number, f"{turn}", turn)]])
    assert FRAMES.differences(model, table_of(path)) == []


KILLED = """
    import os, signal, sqlite3, sys
    from tests.framework.tables import test_table_sink as tests
    path, number, calls = sys.argv[1], int(sys.argv[2]), 0

    class Cursor(sqlite3.Cursor):
        def execute(self, *args):
            count()
            return super().execute(*args)

        def executemany(self, *args):
            count()
            return super().executemany(*args)

    class Connection(sqlite3.Connection):
        def cursor(self):
            return super().cursor(Cursor)

    def count():
        global calls
        calls += 1
        if calls == number:
            os.kill(os.getpid(), signal.SIGKILL)

    connect = sqlite3.connect
    sqlite3.connect = lambda *args, **more: connect(*args, factory=Connection, **more)
    tests.run(path, tests.LATER_RUN, state={"run": 2})
    print(calls)
"""
FIRST_RUN = [[Change(number, "1") for number in range(4)]]
LATER_RUN = [
    [Change(0, "2", 1), Change(1, "2", deleted=AT)],
    [Change(2, "0", 1), Change(4, "1")],
]


def killed(path, number):
    """Run in a process that is killed at its n-th statement."""
    code = textwrap.dedent(KILLED)
    command = [sys.executable, "-c", code, str(path), str(number)]
    root = Path(__file__).parents[3]
    return subprocess.run(command, cwd=root, capture_output=True, text=True)


def check_killed(path, number):
    run(path, FIRST_RUN, state={"run": 1})
    done = killed(path, number)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    before, after = TableModel(), TableModel()
    before.upsert(FIRST_RUN)
    after.upsert(FIRST_RUN)
    after.upsert(LATER_RUN)
    table = sink(path)
    table.open(SCHEMA, "upsert")
    left = {1: before, 2: after}[table.load_state()["run"]]
    assert FRAMES.differences(left, table_of(path)) == []
    run(path, LATER_RUN, state={"run": 2})
    assert FRAMES.differences(after, table_of(path)) == []
    return done.returncode


@pytest.mark.parametrize("number", [20])
def test_a_killed_run_leaves_all_or_nothing(tmp_path, number):
    assert check_killed(tmp_path / "a.db", number) == -signal.SIGKILL


@pytest.mark.slow
def test_a_run_that_is_killed_anywhere_leaves_all_or_nothing(tmp_path):
    number = 1
    while check_killed(tmp_path / f"{number}.db", number):
        number += 1
    assert number > 20


STAGED = """
    import os, signal, sys
    from tests.framework.tables import test_table_sink as tests
    table = tests.sink(sys.argv[1])
    table.open(tests.SCHEMA)
    table.stage(tests.edition(0, 0), tests.Split("s", {}), 0)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_run_has_staged_is_removed_by_the_next(tmp_path, monkeypatch):
    folder = tmp_path / "temporary"
    folder.mkdir()
    subprocess.run(
        [sys.executable, "-c", textwrap.dedent(STAGED), str(tmp_path / "a.db")],
        cwd=Path(__file__).parents[3],
        env={**os.environ, "TMPDIR": str(folder)},
        check=False,
    )
    assert len(list(folder.iterdir())) == 1
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    run(tmp_path / "a.db", [[Change(0)]], "append")
    assert list(folder.iterdir()) == []


# -- the table -------------------------------------------------------------------------


def test_a_new_column_is_added_and_is_null_in_older_rows(tmp_path):
    path = tmp_path / "a.db"
    run(path, [[Change(0)]], "append")
    wider = pl.DataFrame({"note": ["x"], "value": [5], SOURCE_KEY: ["1.json"]})
    run(path, mode="append", schema=wider.schema, frames=[wider])
    assert rows(path) == [(0, "0.json", None), (5, "1.json", "x")]
    table = sink(path)
    table.open(wider.schema)
    assert sorted(table.scan().collect().rows(), key=repr) == [
        ("x", 5, "1.json"),
        (None, 0, "0.json"),
    ]


def test_a_column_that_the_report_no_longer_has_stays(tmp_path):
    path = tmp_path / "a.db"
    run(path, [[Change(0), Change(1)]])
    less = pl.DataFrame(
        {SOURCE_KEY: ["0.json"], VERSION: ["2"], DELETED_AT: [None]},
        schema_overrides={DELETED_AT: pl.Datetime("us", "UTC")},
    )
    run(path, schema=pl.Schema({SOURCE_KEY: pl.String()}), frames=[less])
    assert rows(path) == [(0, "0.json", "2", None), (0, "1.json", "1", None)]


def test_a_column_of_another_type_is_named_with_what_is_found_and_needed(tmp_path):
    path = tmp_path / "a.db"
    run(path, [[Change(0)]])
    with pytest.raises(
        CorruptCheckpoint, match="column value: it is BIGINT, the report needs TEXT;"
    ):
        sink(path).open(pl.Schema({"value": pl.String(), SOURCE_KEY: pl.String()}))


def test_a_column_that_differs_in_case_alone_is_named(tmp_path):
    path = tmp_path / "a.db"
    run(path, [[Change(0)]])
    with pytest.raises(CorruptCheckpoint, match="column Value: the table has value,"):
        sink(path).open(pl.Schema({"Value": pl.Int64(), SOURCE_KEY: pl.String()}))


def test_a_table_is_not_written_under_two_names(tmp_path):
    path = tmp_path / "a.db"
    run(path, [[Change(0)]])
    with pytest.raises(SettingsError, match="in this database it is the same as ord"):
        run(path, [[Change(1)]], more={"table": "ORDERS"})
    assert rows(path) == [(0, "0.json", "1", None)]
    ((name,),) = rows(path, "SELECT name FROM _reporting_state")
    assert name == "orders"


@pytest.mark.parametrize("mode", ["upsert", "replace"])
def test_a_column_named_as_a_version_but_for_case_is_refused(tmp_path, mode):
    schema = pl.Schema({"_VERSION": pl.String(), SOURCE_KEY: pl.String()})
    with pytest.raises(SettingsError, match="columns _VERSION, _version have the same"):
        sink(tmp_path / "a.db").open(schema, mode)
    sink(tmp_path / "a.db").open(schema, "append")


def test_a_table_that_takes_no_rows_is_not_one_to_try_again(tmp_path):
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute(  # without a primary key
            "CREATE TABLE orders (value BIGINT, source_key TEXT, _version TEXT,"
            " _deleted_at TIMESTAMP WITH TIME ZONE)"
        )
    with pytest.raises(SettingsError, match="SQLITE_ERROR.; compare the table with"):
        run(path, [[Change(0)]])


def test_a_table_without_source_keys_is_refused(tmp_path):
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE orders (id INTEGER)")
    with pytest.raises(
        CorruptCheckpoint, match=f"the table has no column {SOURCE_KEY}"
    ):
        sink(path).open(SCHEMA)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"a": pl.List(pl.Int64)}, r"column a: values of type List\(Int64\) cannot be"),
        ({"a": pl.UInt64()}, "column a: values of type UInt64 cannot be kept"),
        ({"a": pl.Int64(), "A": pl.Int64()}, "columns a, A have the same name in a"),
        ({"_reporting_order": pl.Int64()}, "column _reporting_order: names that begin"),
        ({"_Reporting_x": pl.Int64()}, "column _Reporting_x: .*rename it with a trans"),
    ],
)
def test_columns_that_a_database_cannot_have_are_refused(tmp_path, columns, message):
    with pytest.raises(SettingsError, match=message):
        sink(tmp_path / "a.db").open(pl.Schema({**columns, SOURCE_KEY: pl.String()}))
    assert not (tmp_path / "a.db").exists()


@pytest.mark.parametrize(
    "name",
    [
        "_reporting_state",
        "_Reporting_Staged",
        "sales._reporting_state",
        '"_reporting_state"',
        '"a.b"."_reporting_state"',
    ],
)
def test_a_table_that_is_named_as_one_of_the_frameworks_is_refused(tmp_path, name):
    with pytest.raises(ValidationError, match="names that begin with _rep"):
        sink(tmp_path / "a.db", table=name)


@pytest.mark.parametrize(
    "name", ['"x._reporting_y"', 'sales."x._reporting_y"', "_reporting_x.y", "."]
)
def test_a_name_within_another_one_is_free(tmp_path, name):
    assert sink(tmp_path / "a.db", table=name).settings.table == name


@pytest.mark.parametrize("column", ["value", "none"])
def test_a_timestamp_that_is_none_is_refused(tmp_path, column):
    with pytest.raises(
        SettingsError, match=f"timestamp: there is no column {column} of"
    ):
        sink(tmp_path / "a.db", timestamp=column).open(SCHEMA)


def test_names_are_quoted(tmp_path):
    path, table = tmp_path / "a.db", 'my "orders"; DROP TABLE x --'
    frame = pl.DataFrame({'a "b" ?%s': [1], "select": [2], SOURCE_KEY: ["k"]})
    for _ in range(2):
        run(
            path,
            mode="append",
            schema=frame.schema,
            frames=[frame],
            more={"table": table},
        )
    quoted = table.replace('"', '""')
    assert rows(path, f'SELECT * FROM "{quoted}"') == [(1, 2, "k")]


def test_values_come_back_as_they_were(tmp_path):
    moment = datetime(2024, 5, 1, 9, 15, 0, 5, tzinfo=UTC)
    frame = pl.DataFrame(
        {
            "yes": [True, None],
            "small": pl.Series([-128, None], dtype=pl.Int8),
            "float": [0.1, None],
            "bytes": [b"\x00\xff", None],
            "text": ["2024", None],
            "kind": pl.Series(["a", None], dtype=pl.Enum(["a"])),
            "day": [moment.date(), None],
            "time": [moment.time(), None],
            "took": [timedelta(microseconds=-5), None],
            "here": pl.Series([moment, None]).dt.convert_time_zone("Europe/Paris"),
            "naive": [moment.replace(tzinfo=None), None],
            "nano": pl.Series([moment, None]).dt.cast_time_unit("ns"),
            SOURCE_KEY: ["1", "2"],
        }
    )
    path = tmp_path / "a.db"
    run(path, mode="append", schema=frame.schema, frames=[frame])
    table = sink(path)
    table.open(frame.schema)
    assert table.scan().collect().sort(SOURCE_KEY).equals(frame)
    assert table.scan().select("day").head(1).collect().height == 1
    assert table.scan().filter(pl.col("yes")).select("here").collect().height == 1


def test_a_collation_that_is_not_by_bytes_is_refused(tmp_path):
    class Folded(SqliteTable):
        key_type = "TEXT COLLATE NOCASE"

    table = Folded(Folded.Settings(path=str(tmp_path / "a.db"), table="orders"))
    table.open(SCHEMA)
    part = table.stage(edition(0, 0), Split("s", {}), 0)
    with pytest.raises(SettingsError, match="TEXT COLLATE NOCASE by their bytes; give"):
        table.commit([part])
    table.close()


# -- the ledger, the state, errors -----------------------------------------------------


def test_the_ledger_knows_objects_by_their_lines(tmp_path):
    path = tmp_path / "a.db"
    keys = ["a", "b#2", "b#17", "c#1#4", "d#5.json", "d#5.json#1", "e#7x", "e#9"]
    frame = pl.DataFrame({"value": [1] * len(keys), SOURCE_KEY: keys})
    run(path, mode="append", frames=[frame])
    table = sink(path)
    table.open(SCHEMA)
    asked = ["f", "a", "b", "b#2", "c", "c#1", "d", "d#5.json", "e", "e#7x", "A", "f"]
    assert table.ledger().filter_new(asked) == ["f", "b#2", "c", "d", "A", "f"]


@pytest.mark.parametrize("value", ["1.json", "x"])
def test_the_ledger_takes_no_column_of_the_report_for_its_own(tmp_path, value):
    frame = pl.DataFrame(
        {
            **{
                name: [value, value]
                for name in ("name", "line", "beyond", "a", "t", "s", "kind", "state")
            },
            SOURCE_KEY: ["1.json", "3.json#0"],
        }
    )
    path = tmp_path / "a.db"
    run(path, mode="append", schema=frame.schema, frames=[frame])
    table = sink(path)
    table.open(frame.schema)
    objects = ["1.json", "2.json", "3.json", "x"]
    assert table.ledger().filter_new(objects) == ["2.json", "x"]


@pytest.mark.parametrize("mode", ["append", "upsert", "replace"])
def test_columns_that_are_named_as_those_of_statements_are_kept(tmp_path, mode):
    names = ["name", "line", "beyond", "s", "t", "kind", "version", "state", "excluded"]
    path = tmp_path / "a.db"
    frame = pl.DataFrame({**dict.fromkeys(names, "1.json"), SOURCE_KEY: ["1.json"]})
    added = {VERSION: pl.lit("1"), DELETED_AT: pl.lit(None, pl.Datetime("us", "UTC"))}
    if mode != "append":
        frame = frame.with_columns(**added)
    schema = frame.drop(VERSION, DELETED_AT, strict=False).schema
    for keys in (["1.json", "2.json"], ["2.json", "3.json"]):
        staged = [frame.with_columns(pl.lit(key).alias(SOURCE_KEY)) for key in keys]
        result = run(
            path, mode=mode, schema=schema, frames=staged, snapshot=True, at=AT
        )
    live = {"append": 3, "upsert": 2, "replace": 2}[mode]
    assert result.outputs[0].rows == live


def test_the_ledger_knows_the_newest_timestamp(tmp_path):
    path, more = tmp_path / "a.db", {"timestamp": "at"}
    frame = pl.DataFrame({"at": [AT, AT + timedelta(days=1)], SOURCE_KEY: ["a", "b"]})
    result = run(path, mode="append", schema=frame.schema, frames=[frame], more=more)
    assert result.newest == AT + timedelta(days=1)
    table = sink(path, **more)
    table.open(frame.schema)
    ledger = table.ledger()
    assert (ledger.rows, ledger.newest) == (2, AT + timedelta(days=1))
    assert ledger.newest_until(AT + timedelta(hours=1)) == AT
    assert ledger.newest_until(AT - timedelta(hours=1)) is None


def test_tables_of_one_database_have_states_of_their_own(tmp_path):
    path = tmp_path / "a.db"
    for name in ("one", "two"):
        run(path, [[Change(0)]], more={"table": name}, state={"name": name})
    states = {}
    for name in ("one", "two", "three"):
        table = sink(path, table=name)
        table.open(SCHEMA)
        states[name] = table.load_state()
    assert states == {"one": {"name": "one"}, "two": {"name": "two"}, "three": None}


def change(path, statement):
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(statement)


GONE = ["DROP TABLE orders", "ALTER TABLE orders RENAME TO kept"]


def opened(path):
    table = sink(path)
    table.open(SCHEMA, "upsert")
    return table


@pytest.mark.parametrize("statement", GONE)
def test_the_state_of_a_table_that_is_gone_is_none(tmp_path, statement):
    path = tmp_path / "a.db"
    run(path, [[Change(0)]], state={"a": 1})
    change(path, statement)
    assert opened(path).load_state() is None
    assert opened(path).output_versions() == {"orders": None}
    assert run(path).outputs[0].version is None
    result = run(path, [[Change(1)]])
    assert (result.outputs[0].version, result.overtaken) == ("2", False)
    assert opened(path).load_state() is None, "a later run without a state has none"
    run(path, [[Change(2)]], state={"a": 2})
    assert opened(path).load_state() == {"a": 2}


def test_a_run_whose_table_goes_meanwhile_leaves_no_state(tmp_path):
    path = tmp_path / "a.db"
    run(path, [[Change(0)]], state={"a": 1})
    table = opened(path)
    part = table.stage(FRAMES.of([Change(1)]), Split("s", {}), 0)
    change(path, "DROP TABLE orders")
    result = table.commit([part], CommitContext(state={"a": 2}, snapshot=True, at=AT))
    table.close()
    assert (result.overtaken, result.outputs[0].rows) == (True, 1)
    assert opened(path).load_state() is None


def test_a_state_without_rows_is_kept_with_an_empty_table(tmp_path):
    path = tmp_path / "a.db"
    run(path, state={"a": 1})
    assert opened(path).load_state() == {"a": 1}
    assert rows(path) == []


def test_a_state_that_is_not_json_is_refused(tmp_path):
    path = tmp_path / "a.db"
    run(path, [[Change(0)]], state={"a": 1})
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE _reporting_state SET state = '{'")
    table = sink(path)
    table.open(SCHEMA)
    with pytest.raises(
        CorruptCheckpoint, match="the source state in _reporting_state is"
    ):
        table.load_state()


def test_the_version_counts_commits_that_change_something(tmp_path):
    path, versions = tmp_path / "a.db", []
    for parts in ([[Change(0)]], [[Change(0)]], [], [[Change(0, "2")]]):
        versions.append(run(path, parts).outputs[0].version)
    assert versions == ["1", "1", "1", "2"]


def test_the_version_of_the_output_is_what_the_run_has_seen(tmp_path):
    path = tmp_path / "a.db"
    early = sink(path)
    early.open(SCHEMA, "upsert")
    part = early.stage(FRAMES.of([Change(0)]), Split("s", {}), 0)
    run(path, [[Change(1)]])
    assert early.output_versions() == {"orders": None}
    early.commit([part])
    early.close()
    assert early.output_versions() == {"orders": "2"}
    late = sink(path)
    late.open(SCHEMA, "upsert")
    assert late.output_versions() == {"orders": "2"}


def test_a_locked_database_is_unavailable_and_another_file_is_corrupt(tmp_path):
    path = tmp_path / "a.db"
    run(path, [[Change(0)]])
    table = sink(path)
    table.connect = lambda *, write: sqlite3.connect(
        path, isolation_level=None, timeout=0
    )
    table.open(SCHEMA, "upsert")
    part = table.stage(FRAMES.of([Change(1)]), Split("s", {}), 0)
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(
            StorageUnavailable, match="SQLITE_BUSY.*nothing was changed"
        ):
            table.commit([part])
    table.close()
    path.write_bytes(b"no database " * 100)
    with pytest.raises(CorruptCheckpoint, match="not a database that can be read"):
        sink(path).open(SCHEMA)


def test_a_value_that_the_database_refuses_is_named_by_no_value(tmp_path):
    path = tmp_path / "a.db"
    with closing(sqlite3.connect(path)) as database:
        columns = f"value BIGINT CHECK (value < 5), {SOURCE_KEY} TEXT PRIMARY KEY"
        database.execute(f"CREATE TABLE orders ({columns})")
    frame = pl.DataFrame({"value": [77], SOURCE_KEY: ["a"]})
    with pytest.raises(SettingsError, match="SQLITE_CONSTRAINT_CHECK") as caught:
        run(path, mode="append", frames=[frame])
    assert "77" not in str(caught.value)
    assert rows(path) == []


def test_memory_does_not_hold_what_is_staged(tmp_path):
    table = sink(tmp_path / "a.db")
    table.open(SCHEMA)
    part = table.stage(edition(0, 0), Split("s", {}), 0)
    assert Path(part.data.path).stat().st_size > 0
    assert not any(isinstance(value, pl.DataFrame) for value in vars(table).values())
    table.close()
    assert not Path(part.data.path).exists()


class DriverError(Exception):
    """Base of all exceptions of a driver."""


class OperationalError(DriverError):
    sqlstate = "08006"


class DiskFull(OperationalError):
    sqlstate = "53100"


class ConnectionLost(OperationalError):
    sqlstate = "57P01"


class SerializationError(OperationalError):
    sqlstate = "40001"


class IntegrityError(DriverError):
    sqlstate = "23505"


class DataError(DriverError):
    sqlstate = "22003"


class DatabaseError(DriverError):
    pass


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (OperationalError, StorageUnavailable, r"opened \(08006\); check its location"),
        (DiskFull, StorageUnavailable, r"is full \(53100\); nothing was changed; make"),
        (ConnectionLost, StorageUnavailable, r"failed \(57P01\); nothing was changed;"),
        (SerializationError, CommitConflict, r"other runs were faster \(40001\); run"),
        (
            IntegrityError,
            CommitConflict,
            r"other runs were faster \(23505\); run again",
        ),
        (DataError, SettingsError, r"refused it \(22003\); compare the table with"),
        (DatabaseError, CorruptCheckpoint, r"not a database that can be read \(Data"),
    ],
)
def test_an_error_of_a_driver_is_told_by_its_code(tmp_path, error, kind, message):
    table = sink(tmp_path / "a.db")

    def connect(*, write):
        raise error("a value of a record")

    table.connect = connect
    with pytest.raises(kind, match=message) as caught:
        table.open(SCHEMA)
    assert "a value" not in str(caught.value)


@pytest.mark.parametrize(("lost", "attempts"), [(2, 3), (99, 20)])
def test_a_lost_race_is_tried_again(tmp_path, monkeypatch, lost, attempts):
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    begun = []

    class Cursor(sqlite3.Cursor):
        def execute(self, statement, *parameters):
            if statement == SqliteTable.begin:
                begun.append(statement)
                if len(begun) <= lost:
                    raise IntegrityError
            return super().execute(statement, *parameters)

    class Connection(sqlite3.Connection):
        def cursor(self):
            return super().cursor(Cursor)

    table = sink(tmp_path / "a.db")
    table.connect = lambda *, write: sqlite3.connect(
        tmp_path / "a.db", isolation_level=None, factory=Connection
    )
    table.open(SCHEMA, "upsert")
    part = table.stage(FRAMES.of([Change(0)]), Split("s", {}), 0)
    if lost < attempts:
        assert table.commit([part]).outputs[0].rows == 1
    else:
        with pytest.raises(
            CommitConflict, match="other runs were faster 20 times in a"
        ):
            table.commit([part])
    assert len(begun) == attempts
    table.close()


def test_an_error_that_is_no_drivers_is_raised_as_it_is(tmp_path):
    table = sink(tmp_path / "a.db")

    def connect(*, write):
        raise ZeroDivisionError

    table.connect = connect
    with pytest.raises(ZeroDivisionError):
        table.open(SCHEMA)


# -- reset -----------------------------------------------------------------------------


def test_the_statements_that_restore_a_copy_run_as_they_are_printed(tmp_path):
    path = tmp_path / "a.db"
    run(path, [[Change(1), Change(2)]])
    before = rows(path)
    table = sink(path)
    table.open(SCHEMA, "upsert")
    [copy] = table.back_up(kept := table.stored_artifacts(), "20240301T000000Z")
    table.remove(kept)
    table.close()
    run(path, [[Change(3)]])
    statements = table.restore_command(copy)
    with closing(sqlite3.connect(path)) as database:
        database.executescript(" ".join(statements.splitlines()[1:]))
    assert statements.startswith("-- once the next run has made the table:\n")
    assert rows(path) == before


def test_a_size_that_is_not_known_is_not_a_size_of_0(tmp_path):
    run(tmp_path / "a.db", [[Change(1)]])
    [artifact] = sink(tmp_path / "a.db").stored_artifacts()
    assert artifact.bytes is None
