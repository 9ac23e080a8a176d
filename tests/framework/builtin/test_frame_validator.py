"""The validator ``frame``: each rule, and what its settings refuse."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import permutations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from reporting_framework import SOURCE_KEY, Batch, SettingsError
from reporting_framework.builtin.frame_validator import FrameValidator


def validator(key=(), **columns):
    return FrameValidator(FrameValidator.Settings(columns=columns, primary_key=key))


def ruled(schema, key=(), **rules):
    """A validator with rules for some columns of a source."""
    made = FrameValidator(FrameValidator.Settings(rules=rules, primary_key=key))
    made.bind(pl.Schema(schema))
    return made


def validated(made, **columns):
    """What became of the rows, whose keys are their numbers."""
    frame = pl.DataFrame(columns)
    keys = [str(number) for number in range(frame.height)]
    result = made.validate(Batch(keys, [f"v{key}" for key in keys], frame=frame))
    assert result.frame.schema == made.schema
    return (
        result.frame[SOURCE_KEY].to_list(),
        [(each.source_key, each.error_type, each.field) for each in result.rejections],
    )


@pytest.mark.parametrize(
    ("rule", "values", "good", "error_type"),
    [
        ({"type": "int32"}, [1, 2**31, None, -(2**31)], [0, 2, 3], "wrong_type"),
        ({"type": "int64"}, [1.0, 1.5, float("nan")], [0], "wrong_type"),
        ({"type": "int64", "not_null": True}, [1, None], [0], "missing"),
        ({"type": "int64", "ge": 2}, [1, 2, None], [1, 2], "greater_than_equal"),
        ({"type": "float64", "ge": 0}, [0.0, float("nan"), float("inf"), None], [0, 2, 3], "greater_than_equal"),
        ({"type": "float64", "le": 2.5}, [0.0, float("nan"), None], [0, 2], "less_than_equal"),
        ({"type": "float64", "le": 2.5}, [2.5, 2.6], [0], "less_than_equal"),
        ({"type": "string", "pattern": "a+"}, ["aa", "ab", "a\n", None], [0, 3], "string_pattern_mismatch"),
        ({"type": "string", "values": ["x", "y"]}, ["x", "z", None], [0, 2], "literal_error"),
        ({"type": "int32", "values": [1, 2]}, [1, 3], [0], "literal_error"),
        ({"type": "date"}, ["2024-02-29", "2023-02-29", "29.2.2024"], [0], "wrong_type"),
        ({"type": "date", "ge": "2024-01-01"}, [date(2024, 1, 1), date(2023, 12, 31)], [0], "greater_than_equal"),
        ({"type": "datetime"}, [datetime(2024, 1, 1, tzinfo=UTC)], [0], ""),
        ({"type": "datetime"}, [datetime(2024, 1, 1)], [], "wrong_type"),
        ({"type": "datetime", "le": "2024-01-01T00:00Z"}, [datetime(2024, 1, 1, 1, tzinfo=UTC)], [], "less_than_equal"),
        ({"type": "decimal(5,2)"}, [Decimal("1.25"), Decimal("1.255")], [0], "wrong_type"),
        ({"type": "decimal(5,2)"}, ["1.25", "-.5", "1.2500", "2e2", None, "1.255", "1000", "1e-3", "NaN", "1,5", "", "1e-400", "1_0e1", " 1e1", "1e99999999999999999999"], [0, 1, 2, 3, 4], "wrong_type"),
        ({"type": "decimal(38,10)"}, ["1e3", "1.5E+1", "0e-400", "1e-10", "1e-11", "1e28"], [0, 1, 2, 3], "wrong_type"),
        ({"type": "decimal(10,2)"}, [2.5, 1e9, -1e9, 1e300, float("inf"), None], [0, 5], "wrong_type"),
        ({"type": "decimal(10,2)"}, pl.Series([0.1, 1e9], dtype=pl.Float32), [0], "wrong_type"),
        ({"type": "decimal(10,2)"}, [99999999.99, 99999999.999, 100000000.0], [0], "wrong_type"),
        ({"type": "decimal(38,20)"}, [0.1, 1e20], [0], "wrong_type"),
        ({"type": "decimal(38,2)", "le": "0.3"}, ["0.30", "0.31"], [0], "less_than_equal"),
        ({"type": "boolean"}, [True, None], [0, 1], ""),
        ({"type": "boolean"}, ["true"], [], "wrong_type"),
        ({"type": "int64"}, ["12"], [], "wrong_type"),
        ({"type": "int64", "gt": 2}, [1, 2, 3, None], [2, 3], "greater_than"),
        ({"type": "int64", "lt": 2}, [1, 2, 3, None], [0, 3], "less_than"),
        ({"type": "int32", "le": 2**40}, [1, 2**31 - 1], [0, 1], ""),
        ({"type": "float64", "gt": 0}, [0.0, 0.1, float("nan"), None], [1, 3], "greater_than"),
        ({"type": "float64", "lt": 0}, [-0.1, 0.0, float("nan"), None], [0, 3], "less_than"),
        ({"type": "decimal(5,2)", "ge": 0.1}, [Decimal("0.10"), Decimal("0.09")], [0], "greater_than_equal"),
        ({"type": "decimal(5,2)", "lt": "1.005"}, [Decimal("1.00"), Decimal("1.01")], [0], "less_than"),
        ({"type": "string", "min_length": 2}, ["é", "éé", None], [1, 2], "string_too_short"),
        ({"type": "string", "max_length": 1}, ["é", "éé", None], [0, 2], "string_too_long"),
        ({"type": "string"}, [1], [], "wrong_type"),
    ],
)  # fmt: skip
def test_a_value_is_kept_or_its_row_is_rejected_for_it(rule, values, good, error_type):
    kept, rejected = validated(validator(x=rule), x=values)
    bad = [number for number in range(len(values)) if number not in good]
    assert kept == [str(number) for number in good]
    assert rejected == [(str(number), error_type, "x") for number in bad]


def test_a_row_is_rejected_once_for_its_first_column():
    made = validator(
        a={"type": "int64", "ge": 1}, b={"type": "string", "not_null": True}
    )
    assert validated(made, a=[0, 1, 0], b=[None, None, "x"]) == (
        [],
        [("0", "greater_than_equal", "a"), ("1", "missing", "b"), ("2", "greater_than_equal", "a")],
    )  # fmt: skip


def test_a_key_is_never_null_and_each_is_there_once():
    made = validator(("a", "b"), a={"type": "int64"}, b={"type": "string"})
    assert validated(made, a=[1, 1, 1, None], b=["x", "y", "x", "x"]) == (
        ["0", "1"],
        [("2", "duplicate_key", None), ("3", "missing", "a")],
    )


def test_a_column_that_is_not_there_is_null_or_missing():
    made = validator(a={"type": "int64"}, b={"type": "date"})
    assert validated(made, a=[1]) == (["0"], [])
    made = validator(a={"type": "int64"}, b={"type": "date", "not_null": True})
    assert validated(made, a=[1]) == ([], [("0", "missing", "b")])


def test_columns_that_are_not_declared_are_counted():
    frame = pl.DataFrame({"a": [1, 2], "more": [3, 4], "with space": [5, 6]})
    batch = Batch(["1", "2"], [None, None], frame=frame)
    result = validator(a={"type": "int64"}).validate(batch)
    assert result.ignored_fields == {"more": 2}


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"type": "text"}, "must be one of string, int32"),
        ({"type": "decimal(2,3)"}, "at most 38 digits"),
        ({"type": "string", "ge": 1}, "ge is for numbers, dates and times"),
        ({"type": "int64", "le": "x"}, "is a number"),
        ({"type": "date", "ge": "soon"}, "Invalid isoformat"),
        ({"type": "datetime", "ge": "2024-01-01T00:00"}, "needs an offset"),
        ({"type": "int64", "pattern": "x"}, "pattern is for type string"),
        ({"type": "int64", "min_length": 1}, "min_length is for type string"),
        ({"type": "date", "max_length": 1}, "max_length is for type string"),
        ({"type": "decimal(4,2)", "ge": "x"}, "a bound of a decimal is a number"),
        ({"type": "decimal(4,2)", "ge": "nan"}, "a bound of a decimal is a number"),
        ({"type": "decimal(4,2)", "ge": 1e-300}, "a bound has at most 38 digits"),
        ({"type": "int64", "le": 10**50}, "a bound has at most 38 digits"),
        ({"type": "decimal(4,2)", "ge": "-1e9999999", "le": "1e9999999"}, "a bound has at most 38 digits"),
        ({"type": "datetime", "ge": "0001-01-01T00:00+01:00"}, "give a time in the years 1 to 9999 of UTC"),
        ({"type": "datetime", "le": "9999-12-31T23:59-01:00"}, "give a time in the years 1 to 9999 of UTC"),
        ({"pattern": "x"}, "columns: x has no type; give one of string, int32"),
        ({"type": "string", "pattern": "("}, "not a regular expression"),
        ({"type": "int64", "values": ["x"]}, "values must be of type Int64"),
        ({"type": "string", "values": []}, "should have at least 1 item"),
        ({"type": "int64", "ge": 2, "le": 1}, "no value is within ge and le"),
        ({"type": "int64", "gt": 1, "lt": 2}, "no value is within gt and lt"),
        ({"type": "int64", "ge": 1, "lt": 1}, "no value is within ge and lt"),
        ({"type": "float64", "gt": 1, "le": 1.0}, "no value is within gt and le"),
        ({"type": "decimal(4,2)", "ge": "1.5", "lt": 1.5}, "no value is within ge and lt"),
        ({"type": "date", "ge": "2024-02-01", "le": "2024-01-31"}, "no value is within ge and le"),
        ({"type": "date", "gt": "2024-01-31", "lt": "2024-02-01"}, "no value is within gt and lt"),
        ({"type": "datetime", "ge": "2024-01-01T01:00Z", "le": "2024-01-01T01:30+01:00"}, "no value is within ge and le"),
        ({"type": "string", "min_length": 3, "max_length": 2}, "min_length is greater than max_length"),
        ({"type": "string", "values": ["a", "b"], "min_length": 2}, "each of values breaks another rule"),
        ({"type": "int64", "ge": True}, "give a number, or a date"),
        ({"type": "float64", "le": float("nan")}, "give a finite number"),
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_is_refused(rule, said):
    with pytest.raises(ValidationError, match=said):
        validator(x=rule)


@pytest.mark.parametrize(
    "rule",
    [
        {"type": "int64", "gt": 1, "lt": 3},
        {"type": "int64", "gt": 1.5, "lt": 2.5},
        {"type": "float64", "gt": 1, "lt": 2},
        {"type": "date", "ge": "2024-02-01", "lt": "2024-02-02"},
        {"type": "datetime", "ge": "2024-01-01T01:30+01:00", "le": "2024-01-01T01:00Z"},
        {"type": "string", "values": ["a", "bb"], "min_length": 2, "max_length": 2},
    ],
)
def test_bounds_with_values_between_them_are_taken(rule):
    validator(x=rule)


def test_a_key_of_no_column_is_refused():
    with pytest.raises(ValidationError, match="there is no column y; there are x"):
        validator(("y",), x={"type": "int64"})
    with pytest.raises(ValidationError, match="source_key is a column that is added"):
        validator(source_key={"type": "string"})


def test_what_is_known_of_the_columns_is_told():
    facts = validator(
        ("id",),
        id={"type": "int64", "description": "The number"},
        kind={"type": "string", "values": ["a", "b"]},
    ).column_facts()
    assert facts["id"] == ("The number", False, [])
    assert facts["kind"] == ("", True, ["a", "b"])
    facts = ruled({"id": pl.Int64(), "kind": pl.String()}, ("id",)).column_facts()
    assert facts == {"id": ("", False, [])}


def test_without_rules_the_columns_are_those_of_the_source():
    made = validator(("b",))
    made.bind(pl.Schema({"b": pl.Binary(), "a": pl.Int16()}))
    assert made.schema == pl.Schema(
        {"b": pl.Binary(), "a": pl.Int16(), SOURCE_KEY: pl.String()}
    )
    frame = pl.DataFrame(
        {"b": [b"1", None], "a": [1, 2]}, {"b": pl.Binary(), "a": pl.Int16()}
    )
    validated = made.validate(Batch(["1", "2"], [None, None], frame=frame))
    assert validated.frame.rows() == [(b"1", 1, "1")]
    assert [item.field for item in validated.rejections] == ["b"]


def test_without_rules_and_without_columns_of_the_source_it_is_refused():
    with pytest.raises(SettingsError, match="columns: there are none"):
        _ = validator().schema


@pytest.mark.parametrize("how", [{"c": {"type": "string"}}, {"key": ("c",)}])
def test_a_column_that_the_source_has_not_is_refused(how):
    with pytest.raises(SettingsError, match="column c is not one of the source"):
        validator(**how).bind(pl.Schema({"a": pl.Int64()}))


TIMES = {
    "2026-11-03": datetime(2026, 11, 3, tzinfo=UTC),
    "2026-11-03T00:00:00Z": datetime(2026, 11, 3, tzinfo=UTC),
    "2026-11-03 01:30:00.25+01:00": datetime(
        2026, 11, 3, 0, 30, 0, 250_000, tzinfo=UTC
    ),
    "2026-11-03T10:00": datetime(2026, 11, 3, 10, tzinfo=UTC),
    "not a time": None,
}


@pytest.mark.parametrize("order", list(permutations(TIMES)))
def test_a_text_is_the_same_time_whatever_texts_are_beside_it(order):
    frame = pl.DataFrame({"at": order})
    made = validator(at={"type": "datetime"})
    result = made.validate(Batch(order, [None] * len(order), frame=frame))
    kept = dict(zip(result.frame[SOURCE_KEY], result.frame["at"], strict=True))
    assert kept == {text: time for text, time in TIMES.items() if time}


BESIDE = {
    "date": ["2024-02-29", "2024-2-9", "2023-02-29", "2024-01-01T00:00:00Z", "01.02.2024", "", " 2024-01-01", "+2024-01-01", "20240101"],
    "datetime": ["2024-02-29", "2024-01-01T10:00:00Z", "2024-01-01 10:00", "2024-01-01T10:00:00.5+01", "2024-01-01T10", "20240101T101010", ""],
    "decimal(5,2)": [Decimal("1"), Decimal("1.25"), Decimal("1.255"), Decimal("99999"), Decimal("0.00")],
    "int32": [0.0, 1.5, float("nan"), float("inf"), 2.0**31, -0.0, 1e300],
    "float64": [0, 1, 2**53, 2**53 + 1, -(2**63)],
}  # fmt: skip


@given(st.sampled_from(sorted(BESIDE)), st.data())
def test_the_verdict_on_a_row_depends_on_that_row_alone(kind, data):
    values = data.draw(st.lists(st.none() | st.sampled_from(BESIDE[kind]), min_size=2))
    dtype = pl.Series(BESIDE[kind]).dtype
    made = validator(x={"type": kind})
    kept, rejected = validated(made, x=pl.Series(values, dtype=dtype))
    alone = [validated(made, x=pl.Series([value], dtype=dtype)) for value in values]
    assert kept == [str(row) for row, (good, _) in enumerate(alone) if good]
    assert rejected == [
        (str(row), error_type, field)
        for row, (_, bad) in enumerate(alone)
        for _, error_type, field in bad
    ]


@pytest.mark.parametrize("dtype", [pl.Datetime("us"), pl.Datetime("ms", "UTC"), pl.Datetime("us", "Asia/Tokyo"), pl.Date()])  # fmt: skip
def test_a_time_or_a_day_outside_of_the_calendar_is_rejected(dtype):
    made = validator()
    made.bind(pl.Schema({"x": dtype}))
    near = pl.Series([datetime(1, 1, 2), datetime(9999, 12, 30), None])
    far = pl.Series([2**31 - 1, -(2**31)]).cast(pl.Int32).cast(pl.Date)
    if dtype != pl.Date():
        far = pl.Series([2**62, -(2**62)]).cast(dtype)
        near = near.cast(pl.Datetime(dtype.time_unit)).dt.replace_time_zone("UTC")
    column = pl.concat([near.cast(dtype), far])
    kept, rejected = validated(made, x=column)
    assert kept == ["0", "1", "2"]
    assert rejected == [("3", "wrong_type", "x"), ("4", "wrong_type", "x")]


def test_each_time_in_nanoseconds_is_within_the_calendar():
    column = pl.Series([2**63 - 1, -(2**63) + 1]).cast(pl.Datetime("ns"))
    made = validator()
    made.bind(pl.Schema({"x": column.dtype}))
    assert validated(made, x=column) == (["0", "1"], [])


def test_a_time_in_nanoseconds_is_kept_if_it_has_none():
    at = pl.Series([1_704_067_200_000_001_000, 1_704_067_200_000_000_001, None])
    made = validator(x={"type": "datetime"})
    kept, rejected = validated(made, x=at.cast(pl.Datetime("ns", "Asia/Tokyo")))
    assert (kept, rejected) == (["0", "2"], [("1", "wrong_type", "x")])


SOURCE = {
    "sku": pl.String(),
    "price": pl.Decimal(10, 2),
    "day": pl.Date(),
    "year": pl.Int16(),
}


def test_rules_are_for_some_columns_of_the_source_in_its_types():
    made = ruled(
        SOURCE,
        ("sku", "day"),
        sku={"pattern": "^[A-Z]{3}[0-9]{4}$"},
        price={"ge": 0, "not_null": True},
    )
    assert made.schema == pl.Schema({**SOURCE, SOURCE_KEY: pl.String()})
    day = date(2026, 1, 1)
    frame = {
        "sku": ["ABC1234", "abc", "ABC1234", "ABC1235", None, "ABC1236", "ABC1237"],
        "price": [*map(Decimal, ["1.25", "1", "2", "-0.01", "1"]), None, Decimal(0)],
        "day": [day] * 7,
        "year": pl.Series([2026] * 7, dtype=pl.Int16),
    }
    assert validated(made, **frame) == (
        ["0", "6"],
        [
            ("1", "string_pattern_mismatch", "sku"),
            ("2", "duplicate_key", None),
            ("3", "greater_than_equal", "price"),
            ("4", "missing", "sku"),
            ("5", "missing", "price"),
        ],
    )


def test_a_rule_may_give_a_column_of_the_source_another_type():
    made = ruled({"a": pl.String(), "b": pl.Int64()}, a={"type": "date"})
    assert made.schema["a"] == pl.Date()
    assert validated(made, a=["2026-01-01", "soon"], b=[1, 2]) == (
        ["0"],
        [("1", "wrong_type", "a")],
    )


@pytest.mark.parametrize(
    ("dtype", "kind"),
    [
        (pl.String(), "int64"),
        (pl.String(), "float64"),
        (pl.String(), "boolean"),
        (pl.Int64(), "string"),
        (pl.Int64(), "date"),
        (pl.Datetime("us"), "datetime"),
        (pl.Binary(), "decimal(5,2)"),
    ],
)
def test_a_type_that_no_value_of_the_source_can_have_is_refused(dtype, kind):
    said = re.escape(
        f"validator frame: column a is of type {dtype} in the source, which is never"
        f" converted to {kind}; change one of the two types"
    )
    for made in (
        FrameValidator(FrameValidator.Settings(rules={"a": {"type": kind}})),
        validator(a={"type": kind}),
    ):
        with pytest.raises(SettingsError, match=said):
            made.bind(pl.Schema({"a": dtype}))


def test_a_type_of_a_column_without_values_is_taken():
    made = ruled({"a": pl.Null()}, a={"type": "int64"})
    assert made.schema["a"] == pl.Int64()


def test_a_decimal_of_a_text_has_its_digits():
    made = ruled({"a": pl.String()}, a={"type": "decimal(38,2)"})
    frame = pl.DataFrame({"a": ["123456789012345678901234567890123456.70", "1e1"]})
    found = made.validate(Batch(["1", "2"], ["1", "1"], frame=frame)).frame
    assert [str(value) for value in found["a"]] == [
        "123456789012345678901234567890123456.70",
        "10.00",
    ]


@pytest.mark.parametrize(
    ("dtype", "rule", "said"),
    [
        (pl.String(), {"ge": 0}, "ge is for numbers, dates and times; the column is of type String: change the rule"),
        (pl.Int64(), {"pattern": "x"}, "pattern is for type string; the column is of type Int64"),
        (pl.Datetime("us"), {"ge": "2026-01-01T00:00Z"}, "a column without a time zone needs a time without offset"),
        (pl.Datetime("ms", "UTC"), {"lt": "2026-01-01"}, "needs an offset"),
        (pl.Int64(), {"values": ["x"]}, "values must be of type Int64"),
    ],
)  # fmt: skip
def test_a_rule_that_does_not_fit_the_source_is_refused(dtype, rule, said):
    with pytest.raises(SettingsError, match=f"^validator frame: rules.a: .*{said}"):
        ruled({"a": dtype}, a=rule)


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"pattern": "("}, "pattern is not a regular expression"),
        ({"ge": "much"}, r"no type of column has such values \(ge\)"),
        ({"ge": "2024-01-01", "lt": 3}, r"no type of column has such values \(ge, lt\)"),
        ({"le": 3, "max_length": 3}, "le is for numbers, dates and times"),
        ({"values": ["x", 1]}, r"no type of column has such values \(values\)"),
        ({"values": []}, "should have at least 1 item"),
        ({"ge": 2, "le": 1}, "no value is within ge and le"),
        ({"gt": "2024-01-01", "lt": "2024-01-01"}, "no value is within gt and lt"),
    ],
)  # fmt: skip
def test_rules_that_fit_no_column_are_refused_without_the_source(rule, said):
    with pytest.raises(ValidationError, match=said):
        ruled({"a": pl.String()}, a=rule)


def test_bounds_of_each_type_of_a_source():
    rules = {
        "naive": {"ge": "2026-01-01T00:00"},
        "zoned": {"gt": "2026-01-01T01:00+01:00"},
        "small": {"le": 300, "ge": -1},
    }
    schema = {
        "naive": pl.Datetime("ms"),
        "zoned": pl.Datetime("ns", "Asia/Tokyo"),
        "small": pl.UInt8(),
    }
    midnight = datetime(2026, 1, 1)
    columns = {
        "naive": pl.Series([midnight, datetime(2025, 12, 31), None]).cast(schema["naive"]),
        "zoned": pl.Series([datetime(2026, 1, 1, 0, 0, 1), None, midnight]).dt.replace_time_zone("UTC").cast(schema["zoned"]),
        "small": pl.Series([0, 255, 1]).cast(schema["small"]),
    }  # fmt: skip
    assert validated(ruled(schema, **rules), **columns) == (
        ["0"],
        [("1", "greater_than_equal", "naive"), ("2", "greater_than", "zoned")],
    )


def test_columns_and_rules_exclude_each_other():
    with pytest.raises(ValidationError, match="columns and rules exclude each other"):
        FrameValidator.Settings(columns={"a": {"type": "date"}}, rules={"b": {}})


def test_a_name_that_looks_like_a_pattern_of_names_is_a_name():
    made = ruled({"^a.*$": pl.Int64(), "*": pl.Int64(), "ab": pl.Int64()}, ("*",), **{"^a.*$": {"ge": 1}})  # fmt: skip
    assert validated(made, **{"^a.*$": [1, 0, 1], "*": [1, 2, 1], "ab": [0, 0, 0]}) == (
        ["0"],
        [("1", "greater_than_equal", "^a.*$"), ("2", "duplicate_key", None)],
    )


def test_a_column_of_the_framework_s_own_name_is_refused():
    made = FrameValidator(FrameValidator.Settings())
    with pytest.raises(SettingsError, match="the source has a column source_key"):
        made.bind(pl.Schema({"id": pl.Int64(), SOURCE_KEY: pl.String()}))
