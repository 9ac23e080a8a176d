"""Profiles of tables: what is counted, and which values are never found."""

import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import polars as pl
import pytest

from reporting_framework import DELETED_AT, VERSION
from reporting_framework.errors import SettingsError
from reporting_pages.overview.profile import profile_of

HOSTILE = ["^.*$", "*", "", " ", "^a|b$", "</script><b id=raw>", "a\x00\u202eb", "x" * 500, "0 nulls", "rows", "period", "variable", "value", "first"]  # fmt: skip


def columns(frame, **options):
    return {
        column.name: column for column in profile_of(frame.lazy(), **options).columns
    }


def test_each_type_has_its_aggregates():
    at = datetime(2024, 1, 1, 12, tzinfo=UTC)
    frame = pl.DataFrame(
        {
            "int": [3, 1, None, 2],
            "float": [1.5, float("nan"), None, -2.0],
            "decimal": [Decimal("1.50"), Decimal("0.25"), None, None],
            "day": [date(2024, 2, 29), None, None, date(1, 1, 1)],
            "time": [at, at + timedelta(microseconds=5), None, at],
            "of_day": [time(1), time(2), None, None],
            "lasts": [timedelta(days=1), None, None, timedelta(hours=1)],
            "text": ["a", "b", "c", None],
            "flag": [True, False, None, None],
            "bytes": [b"a", b"a", None, None],
            "list": [[1], [], None, None],
            "struct": [{"a": 1}, None, None, None],
            "null": [None] * 4,
        }
    )
    found = columns(frame)
    assert {name: (each.nulls, each.distinct) for name, each in found.items()} == {
        "int": (1, 3),
        "float": (1, 3),
        "decimal": (2, 2),
        "day": (2, 2),
        "time": (1, 2),
        "of_day": (2, 2),
        "lasts": (2, 2),
        "text": (1, 3),
        "flag": (2, 2),
        "bytes": (2, 1),
        "list": (2, None),
        "struct": (3, None),
        "null": (4, 0),
    }
    extremes = {
        name: (each.least, each.greatest) for name, each in found.items() if each.least
    }
    assert extremes == {
        "int": ("1", "3"),
        "float": ("-2.0", "1.5"),
        "decimal": ("0.25", "1.50"),
        "day": ("0001-01-01", "2024-02-29"),
        "time": (
            "2024-01-01 12:00:00.000000+00:00",
            "2024-01-01 12:00:00.000005+00:00",
        ),
        "of_day": ("01:00:00", "02:00:00"),
        "lasts": ("1h", "1d"),
    }
    assert found["time"].type == "Datetime(us, UTC)"
    assert not any(each.least for each in columns(frame, values=False).values())


@pytest.mark.parametrize(
    ("texts", "shown"),
    [
        (["a"] * 6 + ["b"] * 5, [("a", 6), ("b", 5)]),
        (["a"] * 6 + ["b"] * 4, []),
        ([f"{number:02}" for number in range(12)] * 5, [(f"{at:02}", 5) for at in range(12)]),
        ([f"{number:02}" for number in range(13)] * 9, []),
        (["", None] * 5, [("", 5)]),
        ([None] * 9, []),
    ],
)  # fmt: skip
def test_texts_are_found_if_they_are_few_and_each_is_in_five_rows(texts, shown):
    frame = pl.DataFrame({"t": texts}, schema={"t": pl.String})
    assert list(columns(frame)["t"].texts) == shown
    assert columns(frame, values=False)["t"].texts == ()
    categories = frame.with_columns(pl.col("t").cast(pl.Categorical))
    assert list(columns(categories)["t"].texts) == shown


def test_numbers_of_few_values_are_not_listed():
    assert columns(pl.DataFrame({"n": [1, 2] * 9}))["n"].texts == ()
    flags = columns(pl.DataFrame({"n": [True, False] * 9}))["n"].texts
    assert flags == [("false", 9), ("true", 9)]


def test_deleted_rows_are_counted_apart_and_nowhere_else():
    at = datetime(2024, 1, 1, tzinfo=UTC)
    frame = pl.DataFrame(
        {
            "n": [1, 2, 99],
            "day": [date(2024, 1, 1)] * 2 + [date(2025, 1, 1)],
            VERSION: ["1"] * 3,
            DELETED_AT: [None, None, at],
        }
    )
    profile = profile_of(frame.lazy())
    assert (profile.rows, profile.deleted) == (2, 1)
    assert [column.name for column in profile.columns] == ["n", "day"]
    assert profile.columns[0].greatest == "2"
    assert profile.course.counts == {date(2024, 1, 1): 2}
    assert profile_of(frame.drop(DELETED_AT).lazy()).deleted is None


def test_names_of_columns_are_never_patterns():
    frame = pl.DataFrame(
        {name: [f"{number}"] * 5 + [None] for number, name in enumerate(HOSTILE)}
    )
    found = profile_of(frame.lazy()).columns
    assert [column.name for column in found] == HOSTILE
    assert [column.texts for column in found] == [
        [(f"{number}", 5)] for number in range(len(HOSTILE))
    ]
    assert {column.nulls for column in found} == {1}


def test_an_empty_table_has_columns_and_no_numbers():
    frame = pl.DataFrame(schema={"n": pl.Int64, "t": pl.String, "day": pl.Date})
    profile = profile_of(frame.lazy())
    assert profile.rows == 0
    assert [column[2:] for column in profile.columns] == [(0, 0, None, None, ())] * 3
    assert (profile.course.scale, profile.course.counts) == (None, {})


def test_a_large_table_has_estimates_that_are_the_same_in_any_order():
    frame = pl.select(n=pl.int_range(600_000)).with_columns(
        t=pl.col("n").cast(pl.String), g=pl.col("n") % 7
    )
    profile = profile_of(frame.lazy())
    assert not profile.exact
    ids, texts, groups = (column.distinct for column in profile.columns)
    assert 540_000 < ids < 660_000
    assert 540_000 < texts < 660_000
    assert groups == 7
    mixed = frame.sample(fraction=1, shuffle=True, seed=1)
    assert profile_of(mixed.lazy()) == profile
    smaller = profile_of(frame.head(300_000).lazy())
    assert smaller.exact
    assert [column.distinct for column in smaller.columns] == [300_000, 300_000, 7]


def test_rows_are_counted_by_the_first_column_of_a_day_or_by_the_one_asked_for():
    frame = pl.DataFrame(
        {
            "n": [1, 2],
            "at": [datetime(2024, 1, 31, 23, 30), datetime(2024, 2, 1)],
            "day": [date(2020, 5, 1), None],
        }
    ).with_columns(pl.col("at").dt.replace_time_zone("America/New_York"))
    course = profile_of(frame.lazy()).course
    assert (course.column, course.scale.unit, course.undated) == ("at", "day", 0)
    assert course.counts == {date(2024, 2, 1): 2}  # in UTC
    course = profile_of(frame.lazy(), time_column="day").course
    assert (course.counts, course.undated) == ({date(2020, 5, 1): 1}, 1)
    assert profile_of(frame.select("n").lazy()).course is None


@pytest.mark.parametrize(
    ("names", "fix"), [(["n", "day"], "there are day"), (["n"], "there is none")]
)
def test_another_column_than_one_of_days_is_refused(names, fix):
    frame = pl.DataFrame({"n": [1], "day": [date(2024, 1, 1)]}).select(names)
    said = f"time_column n: it is no column of dates or times; {fix}"
    with pytest.raises(SettingsError, match=f"^{re.escape(said)}$"):
        profile_of(frame.lazy(), time_column="n")


@pytest.mark.parametrize("unit", ["ms", "us"])
def test_times_that_python_does_not_have_are_counted_as_without_a_day(unit):
    far = pl.Series([10**14 * (1000 if unit == "us" else 1) * 9, 0], dtype=pl.Int64)
    frame = pl.DataFrame({"at": far.cast(pl.Datetime(unit, "UTC"))})
    profile = profile_of(frame.lazy())
    assert profile.course.counts == {date(1970, 1, 1): 1}
    assert profile.course.undated == 1
