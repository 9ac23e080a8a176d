"""Which rows a query sees, and what it is refused for."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reporting_framework import (
    ObjectMissing,
    PipelineSpec,
    PluginError,
    PluginRef,
    Query,
    SettingsError,
    StepFailed,
)
from reporting_framework.plugin_api.settings import Settings
from reporting_framework.query.filters import RowFilter
from reporting_framework.query.run_query import answer, table_of
from reporting_framework.registry.registry import load_plugins

SCHEMA = {
    "text": pl.String(),
    "number": pl.Int32(),
    "small": pl.UInt8(),
    "good": pl.Boolean(),
    "share": pl.Float64(),
    "day": pl.Date(),
    "timestamp": pl.Datetime("us", "UTC"),
    "local": pl.Datetime("us", "America/New_York"),
    "naive": pl.Datetime("ms"),
}


def frame(**columns):
    """Rows of these columns; the others are null."""
    height = len(next(iter(columns.values())))
    return pl.LazyFrame(
        {name: columns.get(name, [None] * height) for name in SCHEMA}, schema=SCHEMA
    )


def selected(column, values, *where, **days):
    rows = frame(**{column: values}).with_columns(pl.int_range(pl.len()).alias("at"))
    return RowFilter(where, **days).of(rows).collect()["at"].to_list()


@given(
    rows=st.lists(
        st.tuples(st.none() | st.sampled_from("ab"), st.none() | st.integers(-1, 1)),
        max_size=8,
    ),
    texts=st.lists(st.sampled_from(["a", "b", ""]), max_size=3),
    numbers=st.lists(st.sampled_from(["-1", "+1", "0", ""]), max_size=3),
)
def test_values_of_one_column_are_alternatives_and_columns_must_all_fit(
    rows, texts, numbers
):
    found = RowFilter(
        [("text", text) for text in texts] + [("number", text) for text in numbers]
    ).of(frame(text=[row[0] for row in rows], number=[row[1] for row in rows]))
    wanted_texts = {text or None for text in texts}
    wanted_numbers = {int(text) if text else None for text in numbers}
    assert found.collect().select("text", "number").rows() == [
        row
        for row in rows
        if (not texts or row[0] in wanted_texts)
        and (not numbers or row[1] in wanted_numbers)
    ]


def test_days_and_booleans_are_asked_for_in_words():
    assert selected(
        "day", [date(2024, 1, 2), None, date(2024, 1, 3)], ("day", "2024-01-03")
    ) == [2]
    assert selected("good", [True, False, None], ("good", "false"), ("good", "")) == [
        1,
        2,
    ]
    assert selected(
        "timestamp", [datetime(2024, 1, 1, tzinfo=UTC), None], ("timestamp", "")
    ) == [1]


@pytest.mark.parametrize(
    ("column", "text", "form"),
    [
        ("number", "x", "Int32 and takes whole numbers"),
        ("number", "1.0", "Int32 and takes whole numbers"),
        ("number", "2147483648", "Int32 and takes whole numbers"),
        ("number", "1_0", "Int32 and takes whole numbers"),
        ("small", "-1", "UInt8 and takes whole numbers"),
        ("day", "2024-02-30", "Date and takes days as YYYY-MM-DD"),
        ("day", "20240201", "Date and takes days as YYYY-MM-DD"),
        ("good", "yes", "Boolean and takes true or false"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_the_columns_there_are(
    column, text, form
):
    with pytest.raises(SettingsError) as caught:
        selected("text", [None], (column, text))
    assert str(caught.value).startswith(
        f"'{text}' does not fit column {column}, which is {form}; there are text (String), number (Int32), small "
        "(UInt8), good (Boolean), share (Float64), day (Date), timestamp (Datetime), local (Datetime), naive (Datetime)"
    )


def test_a_type_that_is_not_asked_for_by_value_is_refused():
    with pytest.raises(
        SettingsError,
        match=r"column share: it is Float64 and cannot be compared with a value; there are text",
    ):
        selected("share", [0.5], ("share", "0.5"))


def test_a_column_that_is_not_there_is_refused_with_those_there_are():
    with pytest.raises(
        SettingsError,
        match=r"there is no column numbr; did you mean number\?; there are text, number,",
    ):
        selected("text", [None], ("numbr", "1"))
    with pytest.raises(
        SettingsError, match=r"there is no column days; did you mean day\?"
    ):
        selected("text", [None], first=date(2024, 1, 1), on="days")


FIRST, LAST = date(2024, 1, 2), date(2024, 1, 3)
MOMENTS = [
    datetime(2024, 1, 2) - timedelta(milliseconds=1),
    datetime(2024, 1, 2),
    datetime(2024, 1, 4) - timedelta(milliseconds=1),
    datetime(2024, 1, 4),
    None,
]


@pytest.mark.parametrize("column", ["timestamp", "local", "naive"])
@pytest.mark.parametrize(
    ("days", "wanted"),
    [
        ({"first": FIRST, "last": LAST}, [1, 2]),
        ({"first": FIRST}, [1, 2, 3]),
        ({"last": LAST}, [0, 1, 2]),
        ({"first": date.min, "last": date.max}, [0, 1, 2, 3]),
        ({"last": date.max}, [0, 1, 2, 3]),
        ({}, [0, 1, 2, 3, 4]),
    ],
)
def test_both_days_are_included_in_utc(column, days, wanted):
    moments = (
        MOMENTS
        if column == "naive"
        else [each and each.replace(tzinfo=UTC) for each in MOMENTS]
    )
    rows = pl.LazyFrame({"at": range(5), column: moments}).with_columns(
        pl.col(column).cast(SCHEMA[column])
    )
    found = RowFilter(**days, on=column).of(rows)
    assert found.collect()["at"].to_list() == wanted


def test_days_of_a_date_are_included_too():
    days = [date(2024, 1, 1), FIRST, LAST, date(2024, 1, 4), None]
    assert selected("day", days, first=FIRST, last=LAST, on="day") == [1, 2]
    assert selected("day", days, first=FIRST, on="day") == [1, 2, 3]
    assert selected("day", days, last=FIRST, on="day") == [0, 1]


def test_days_in_the_wrong_order_or_of_a_column_without_any_are_refused():
    with pytest.raises(
        SettingsError,
        match="first day 2024-01-03: it is after the last day, 2024-01-02; swap",
    ):
        selected("text", [None], first=LAST, last=FIRST)
    with pytest.raises(
        SettingsError,
        match="column text: it is String and has no days; choose one of: day, timestamp, local, n",
    ):
        selected("text", [None], first=FIRST, on="text")


class Longest(Query):
    """The longest text."""

    name = "longest"
    Settings = Settings
    required_columns = frozenset({"text"})

    def run(self, rows):
        return rows.select(pl.col("text").str.len_chars().max())


def test_an_answer_is_that_of_the_selected_rows():
    rows = frame(text=["a", "bcd"], number=[1, 2])
    assert answer("mine", Longest(Settings()), rows).item() == 3
    assert (
        answer("mine", Longest(Settings()), rows, RowFilter([("number", "1")])).item()
        == 1
    )


def test_a_table_that_lacks_a_column_is_refused():
    with pytest.raises(
        SettingsError,
        match="report mine: query longest needs column text; there are number, day",
    ):
        answer("mine", Longest(Settings()), frame(text=["a"]).select("number", "day"))


def test_what_reading_raises_names_the_query_and_no_value():
    rows = frame(text=["secret"]).with_columns(
        pl.col("text").str.to_date("%Y").cast(pl.String)
    )
    with pytest.raises(StepFailed) as caught:
        answer("mine", Longest(Settings()), rows)
    assert (
        str(caught.value)
        == "report mine: query longest raised InvalidOperationError; see the log for where"
    )


def table(tmp_path, *sinks):
    parts = (
        PluginRef("object-store-json", {"uri": str(tmp_path)}),
        PluginRef("visit-event"),
    )
    return table_of("mine", PipelineSpec(*parts, sinks), load_plugins())


def test_a_report_without_a_sink_that_can_be_read_is_refused(tmp_path):
    archive = PluginRef("ndjson-archive", {"uri": f"{tmp_path}/out"})
    with pytest.raises(
        PluginError,
        match=r"report mine: .* none of its sinks can be read \(ndjson-archive\)",
    ):
        table(tmp_path, archive)


def test_the_first_sink_that_can_be_read_is(tmp_path):
    archive = PluginRef("ndjson-archive", {"uri": f"{tmp_path}/out"})
    checkpoint = PluginRef("parquet-checkpoint", {"uri": f"{tmp_path}/x.parquet"})
    with pytest.raises(
        ObjectMissing,
        match="report mine: sink parquet-checkpoint holds nothing yet at .*; run the report fi",
    ):
        table(tmp_path, archive, checkpoint)
    frame(text=["a"]).select(
        "text", "timestamp", pl.lit("k").alias("source_key")
    ).sink_parquet(tmp_path / "x.parquet")
    found = table(tmp_path, archive, checkpoint).collect()
    assert found.columns[-2:] == ["source_key", "text"]
    assert found.select("action", "source_key", "text").rows() == [(None, "k", "a")]
