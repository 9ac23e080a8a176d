"""Older files, and those of other programs: read in today's columns, written in them by the next commit, or refused."""

import io
import itertools
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reporting_framework import Split
from reporting_framework.errors import CorruptCheckpoint
from reporting_framework.storage import open_store
from reporting_framework.testing.harness.memory import assert_bounded, peak
from reporting_object_store.parquet_sink import checkpoint as checkpoint_module
from reporting_object_store.parquet_sink import file_commit as commit_module
from tests.plugins.object_store.foreign_rows import FOREIGN
from tests.plugins.object_store.tables import START, WIDE, in_order, rows, shared, table
from tests.support.plugins import checkpoint

_numbers = itertools.count(1)


def place():
    return f"memory://forms-{next(_numbers)}"


def put(uri, frame, key="x.parquet"):
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    open_store(uri).put(key, buffer.getvalue(), if_version=None)


def data(uri, key="x.parquet"):
    return open_store(uri).get(key).data


def commit(uri, frame, key="x.parquet", schema=WIDE):
    """One run that has these rows."""
    sink = checkpoint(f"{uri}/{key}")
    sink.open(schema)
    sink.ledger().filter_new(frame["source_key"].to_list())
    staged_parts = [sink.stage(frame, Split("s", {}), 0)] if frame.height else []
    try:
        return sink.commit(staged_parts)
    finally:
        sink.close()


def row(number, **values):
    found = {
        "study": "a",
        "note": None,
        "number": number,
        "small": 0,
        "share": None,
        "good": True,
        "day": None,
    }
    return (
        *{**found, **values}.values(),
        START.replace(minute=number),
        f"k{number:05}",
    )


# -- any older form -----------------------------------------------------------------------------------------------------

OLDER = {
    "study": [pl.Categorical()],
    "note": [pl.Categorical(), None],
    "number": [pl.Decimal(38, 0), None],
    "small": [pl.Int64(), pl.Float64(), pl.Int128(), None],
    "share": [None],
    "good": [None],
    "day": [pl.String(), pl.Categorical(), None],
    "timestamp": [pl.Datetime("ns", "UTC"), pl.Datetime("us", "Europe/Berlin")],
    "source_key": [pl.Categorical()],
}
"""What a column may have been; None: there was none."""

MORE = pl.DataFrame(
    {
        "old": ["x"],
        "source": [7],
        "deep": [{"a": [1]}],
        "kind": pl.Series(["u"], dtype=pl.Categorical),
    }
)


def in_form(frame, name, dtype):
    column = pl.col(name)
    if WIDE[name] == pl.Date():
        return column.dt.to_string("%Y-%m-%d").cast(dtype)
    return column.cast(dtype)


@st.composite
def older_forms(draw):
    """What makes an older form of a table: columns dropped, of other types, in another order, and others among them."""
    choices = {
        name: draw(st.sampled_from([WIDE[name], *others]))
        for name, others in OLDER.items()
    }
    more = draw(st.lists(st.sampled_from(MORE.columns), unique=True))
    order = draw(
        st.permutations(
            [*(name for name, dtype in choices.items() if dtype is not None), *more]
        )
    )

    def older(frame):
        cast = [
            in_form(frame, name, dtype)
            for name, dtype in choices.items()
            if dtype not in (None, WIDE[name])
        ]
        added = [pl.lit(MORE[name]).first().alias(name) for name in more]
        return frame.with_columns(*cast, *added).select(order)

    return (
        older,
        [name for name, dtype in choices.items() if dtype is None],
        [each for each in order if each in more],
    )


def calendar(found):
    """Rows that every form can hold: nanoseconds end in 2262, days as texts have four digits."""
    return [each for each in found if each[6] is None or each[6].year >= 1000]


given_a_checkpoint = given(
    found=rows, form=older_forms(), draw=st.data(), mixed=st.booleans()
)


@given_a_checkpoint
def test_an_older_form_ends_as_todays_does(found, form, draw, mixed):
    """A sample of the next one."""
    upgraded_as_today(found, form, draw, mixed)


@pytest.mark.slow
@settings(max_examples=200)
@given_a_checkpoint
def test_any_older_form_ends_as_todays_does(found, form, draw, mixed):
    """Upgrade and commit give the same table as the commit to today's form, and what only the older one had."""
    upgraded_as_today(found, form, draw, mixed)


def upgraded_as_today(found, form, draw, mixed):
    """For any older form of any checkpoint, the upgrade and a commit give what the commit to today's form gives.

    What only the older one had is still there in its rows, null in others; the same inputs give the same bytes.
    """
    (older, lost, more), found = form, calendar(found)
    before, new = shared(draw, found, 2)
    uri, twin, today = place(), place(), place()
    stored = table(
        in_order(before) if not mixed else draw.draw(st.permutations(before))
    )
    for each in (uri, twin):
        put(each, older(stored))
    kept = data(uri)
    put(
        today,
        table(in_order(before)).with_columns(
            pl.lit(None, WIDE[name]).alias(name) for name in lost
        ),
    )
    assert [output.rows for output in commit(uri, table([])).outputs] == [len(before)]
    assert data(uri) == kept, "a run that finds nothing new rewrites nothing"

    commit_results = [commit(each, table(new)) for each in (uri, twin, today)]
    assert commit_results[0].duplicates == commit_results[2].duplicates == 0
    assert (
        [each.rows for each in commit_results[0].outputs]
        == [each.rows for each in commit_results[2].outputs]
        == [len(found)]
    )
    if not new:
        return
    upgraded = pl.read_parquet(data(uri))
    assert data(uri) == data(twin)
    assert upgraded.columns == [*WIDE.names()[:-1], *more, "source_key"]
    assert upgraded.select(WIDE.names()).equals(pl.read_parquet(data(today)))
    was_there = pl.col("source_key").is_in(stored["source_key"].implode())
    for name in more:
        assert upgraded.filter(was_there)[name].cast(
            pl.String if name == "kind" else MORE.schema[name]
        ).to_list() == (MORE[name].to_list() * len(before))
        assert upgraded.filter(~was_there)[name].null_count() == len(new)

    again = place()
    put(again, upgraded)
    first = data(again)
    commit(again, table(before))
    assert data(again) == first, "what is upgraded is as it would be written today"


def test_what_was_upgraded_is_told_once(caplog):
    uri = place()
    put(
        uri,
        table([row(1, day=date(2024, 5, 6))])
        .cast({"day": pl.String, "small": pl.Int64})
        .drop("note"),
    )
    commit(uri, table([]))
    assert "upgraded" not in caplog.text
    for number in (2, 3):
        commit(uri, table([row(number)]))
    [record] = [each for each in caplog.records if "upgraded" in each.message]
    assert record.message == (
        f"{uri}/x.parquet: upgraded: column small Int64 to Int32; column day String to Date; column note added"
    )
    assert pl.read_parquet(data(uri)).schema == WIDE


def test_columns_in_another_order_are_told(caplog):
    uri = place()
    put(uri, table([row(1)]).select(*reversed(WIDE)))
    commit(uri, table([row(2)]))
    assert f"{uri}/x.parquet: upgraded: columns in another order" in caplog.text
    assert pl.read_parquet(data(uri)).schema == WIDE


def test_each_of_several_files_has_a_form_of_its_own():
    uri = place()
    put(uri, table([row(1, study="a")]).drop("note").with_columns(old=1), "a.parquet")
    put(uri, table([row(2, study="b")]).cast({"small": pl.Int64}), "b.parquet")
    before = data(uri, "b.parquet")
    commit(uri, table([row(3, study="a"), row(4, study="c")]), "{study}.parquet")
    assert pl.read_parquet(data(uri, "a.parquet")).columns == [
        *WIDE.names()[:-1],
        "old",
        "source_key",
    ]
    assert data(uri, "b.parquet") == before
    assert pl.read_parquet(data(uri, "c.parquet")).schema == WIDE


@pytest.mark.parametrize("read", [1, 2, 3, 100])
def test_an_upgrade_reads_a_part_at_a_time(monkeypatch, read):
    monkeypatch.setattr(checkpoint_module, "READ_ROWS", read)
    monkeypatch.setattr(commit_module, "READ_ROWS", read)
    uri, today = place(), place()
    found = table([row(number, day=date(2024, 5, number + 1)) for number in range(9)])
    put(uri, found.cast({"day": pl.String}).reverse())
    put(today, found)
    for each in (uri, today):
        commit(each, table([row(20)]))
    assert pl.read_parquet(data(uri)).equals(pl.read_parquet(data(today)))


@pytest.mark.slow
@pytest.mark.parametrize("mixed", [False, True])
def test_memory_does_not_grow_with_the_file_that_is_upgraded(
    tmp_path, monkeypatch, mixed
):
    monkeypatch.setattr(checkpoint_module, "READ_ROWS", 20_000)
    monkeypatch.setattr(commit_module, "READ_ROWS", 20_000)
    peaks, sizes = [], []
    for count in (150_000, 900_000):
        number = pl.int_range(count, eager=True)
        found = pl.DataFrame(
            {"note": number.cast(pl.String) + "x" * 60, "day": pl.Series(["2024-05-06"]).new_from_index(0, count),
             "timestamp": number.cast(pl.Datetime("us", "UTC")), "source_key": number.cast(pl.String) + "-a"}
        )  # fmt: skip
        sizes.append(int(found.estimated_size()))
        found = found.sample(fraction=1, shuffle=True, seed=1) if mixed else found
        found.write_parquet(tmp_path / "x.parquet", row_group_size=count)
        del found, number
        new = table([row(number) for number in range(60)])
        peaks.append(peak(lambda new=new: commit(str(tmp_path), new)))
        assert (
            pl.scan_parquet(tmp_path / "x.parquet").select(pl.len()).collect().item()
            == count + 60
        )
    assert_bounded(peaks[0], peaks[1], data=sizes[1] - sizes[0], what="upgrading")


def test_a_column_goes_and_comes_back():
    """As `extra` does when unknown fields are ignored for a while: nothing is rewritten for it, nothing lost."""
    uri, narrow = (
        place(),
        pl.Schema({name: dtype for name, dtype in WIDE.items() if name != "day"}),
    )
    wide = pl.Schema({**{name: WIDE[name] for name in narrow if name != "source_key"}, "day": pl.Date(),
                      "source_key": pl.String()})  # fmt: skip
    commit(uri, table([row(1, day=date(2024, 5, 6))]).select(wide.names()), schema=wide)
    commit(uri, table([row(2)]).drop("day"), schema=narrow)
    commit(uri, table([row(3, day=date(2024, 5, 7))]).select(wide.names()), schema=wide)
    found = pl.read_parquet(data(uri))
    assert found.schema == wide
    assert found["day"].to_list() == [date(2024, 5, 6), None, date(2024, 5, 7)]


# -- what other programs write ------------------------------------------------------------------------------------------

HERE = Path(__file__).parent / "foreign"


@pytest.mark.parametrize(
    "name",
    sorted(path.name for path in HERE.glob("*.parquet") if "no-zone" not in path.name),
)
def test_what_another_program_wrote_is_gone_on_with(tmp_path, name, caplog):
    """Texts, categories and moments of any kind, with or without statistics, in any order."""
    (tmp_path / "x.parquet").write_bytes((HERE / name).read_bytes())
    sink = checkpoint(tmp_path / "x.parquet")
    sink.open(WIDE)
    asked = sink.scan().select(WIDE.names()).sort("timestamp").collect()
    assert asked.rows() == FOREIGN
    assert sink.ledger().filter_new(["a.json", "c.json", "d.json"]) == ["d.json"]
    commit_result = commit(str(tmp_path), table([row(3), (*row(1)[:-1], "b.json")]))
    assert (
        commit_result.duplicates,
        commit_result.newest,
        commit_result.outputs[0].rows,
    ) == (
        1,
        START.replace(minute=3),
        4,
    )
    found = pl.read_parquet(tmp_path / "x.parquet")
    assert found.select(WIDE.names()).rows() == [*FOREIGN, row(3)]
    assert found.schema["timestamp"] == WIDE["timestamp"]
    assert ("they are sorted" in caplog.text) == ("unsorted" in name)


def test_what_only_another_program_has_is_kept(tmp_path):
    (tmp_path / "x.parquet").write_bytes((HERE / "arrow-more.parquet").read_bytes())
    commit(str(tmp_path), table([row(3)]))
    found = pl.read_parquet(tmp_path / "x.parquet")
    assert found.columns == [
        *WIDE.names()[:-1],
        "nothing",
        "deep",
        "kind",
        "source_key",
    ]
    assert found["deep"].to_list() == [{"a": [1]}, None, {"a": []}, None]
    assert found["kind"].to_list() == ["u", None, "v", None]


# -- what cannot be upgraded --------------------------------------------------------------------------------------------


def several(**columns):
    frame = table([row(number) for number in range(len(next(iter(columns.values()))))])
    return frame.with_columns(
        pl.Series(name, values, strict=False) for name, values in columns.items()
    )


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (
            several(day=["2024-05-06", "2024-02-30", "someday", None]),
            "column day is String, not Date, and 2 rows do not fit",
        ),
        (several(day=["2024-5-6"]), "column day is String, not Date, and 1 row does not fit"),
        (several(small=[1, 2**31, -(2**31) - 1]), "column small is Int64, not Int32, and 2 rows do not fit"),
        (several(number=[1.0, float("nan"), 2.5]), "column number is Float64, not Int64, and 2 rows do not fit"),
        (several(share=[2**53, 2**53 + 1]), "column share is Int64, not Float64, and 1 row does not fit"),
        (several(note=[b"x"]), "column note is Binary, not String"),
        (
            table([row(0)]).with_columns(pl.col("timestamp").cast(pl.Datetime("ns", "UTC")) + pl.duration(nanoseconds=1)),
            "column timestamp is Datetime(time_unit='ns', time_zone='UTC'), not Datetime(time_unit='us', "
            "time_zone='UTC'), and 1 row does not fit",
        ),
        (
            several(small=[2**31], number=[0.5]),
            "column number is Float64, not Int64, and 1 row does not fit; "
            "column small is Int64, not Int32, and 1 row does not fit",
        ),
        (several(note=[7]), "column note is Int64, not String"),
        (several(good=[1]), "column good is Int64, not Boolean"),
        (several(day=[datetime(2024, 5, 6)]), "column day is Datetime(time_unit='us', time_zone=None), not Date"),
        (several(note=[["x"]]), "column note is List(String), not String"),
        (table([row(0)]).drop("source_key", "timestamp"), "no column timestamp; no column source_key"),
    ],
)  # fmt: skip
def test_what_would_lose_something_is_refused(tmp_path, frame, message, caplog):
    """Before anything is read, with the file, column, types and number of rows, and never a value."""
    frame.write_parquet(tmp_path / "x.parquet")
    before = (tmp_path / "x.parquet").read_bytes()
    with pytest.raises(CorruptCheckpoint) as raised:
        commit(str(tmp_path), table([row(9)]))
    assert str(raised.value) == (
        f"{tmp_path}/x.parquet: the checkpoint has another schema: {message}; nothing was changed; go on with the "
        "settings that it was made with, or name another checkpoint"
    )
    assert raised.value.__cause__ is None
    assert not any(
        value in f"{raised.value}{caplog.text}"
        for value in ("someday", "2024-02-30", "2024-5-6", "2147483648")
    )
    assert (tmp_path / "x.parquet").read_bytes() == before


def test_a_moment_without_a_zone_may_be_any(tmp_path):
    (tmp_path / "x.parquet").write_bytes((HERE / "arrow-no-zone.parquet").read_bytes())
    for act in (lambda sink: sink.ledger(), lambda sink: sink.scan()):
        sink = checkpoint(tmp_path / "x.parquet")
        sink.open(WIDE)
        with pytest.raises(
            CorruptCheckpoint,
            match=r"column timestamp is Datetime\(time_unit='us', time_zone=None\)",
        ):
            act(sink)


def test_a_file_that_no_longer_fits_when_it_is_merged_is_refused():
    """Another program may have replaced it since it was opened."""
    uri = place()
    put(uri, several(day=["2024-05-06"]))
    file = checkpoint_module.Checkpoint.open(
        open_store(uri), "x.parquet", WIDE, "timestamp"
    )
    spoilt = several(day=["nonsense"])
    with pytest.raises(
        CorruptCheckpoint,
        match=r"x\.parquet: the checkpoint has another schema: column day is String,",
    ):
        file._fit(spoilt)
