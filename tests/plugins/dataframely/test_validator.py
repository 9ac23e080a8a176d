"""Reasons for rejection, types, settings, and the same verdict as the library alone."""

import importlib
import logging
import random
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache

import dataframely as dy
import polars as pl
import pytest
from hypothesis import strategies as st

from reporting_dataframely.schema_rules import cross_row_rules, rules_of
from reporting_dataframely.typed_columns import ColumnTypes
from reporting_dataframely.validator import DataframelyValidator
from reporting_framework import SOURCE_KEY, Batch, SettingsError
from tests.plugins.dataframely import sample_schemas
from tests.support.properties import given_more

MODULE = "tests.plugins.dataframely.sample_schemas"


def validator(schema, source=None, **settings):
    made = DataframelyValidator(
        DataframelyValidator.Settings(schema=f"{MODULE}:{schema}", **settings)
    )
    if source is not None:
        made.bind(pl.Schema(source))
    return made


def validated(made, frame):
    """Source keys of the rows, and the reason of each rejection."""
    keys = [str(number) for number in range(frame.height)]
    result = made.validate(Batch(keys, [f"v{key}" for key in keys], frame=frame))
    assert result.frame.schema == made.schema
    for each in result.rejections:
        assert each.version == f"v{each.source_key}"
    return (
        result.frame[SOURCE_KEY].to_list(),
        [(each.source_key, each.error_type, each.field) for each in result.rejections],
    )


def orders(**changes):
    columns = {
        "number": pl.Series([1, 2], dtype=pl.Int64),
        "note": pl.Series(["a", None], dtype=pl.String),
        "price": pl.Series([2.0, None], dtype=pl.Float64),
        "paid": pl.Series([1.0, 9.0], dtype=pl.Float64),
    }
    return pl.DataFrame({**columns, **changes})


KEYED = {"day": pl.Date(), "sku": pl.String(), "serial": pl.Int32(), "share": pl.Float64()}  # fmt: skip


def keyed(*rows):
    return pl.DataFrame(rows, schema=KEYED, orient="row")


def test_a_row_is_rejected_for_the_first_rule_of_its_first_column():
    frame = orders(
        number=[-1, 2], note=["NO", "x" * 30], price=[-2.0, 1.0], paid=[1.0, 2.0]
    )
    assert validated(validator("Order"), frame) == (
        [],
        [("0", "min", "number"), ("1", "max_length", "note")],
    )
    frame = orders(price=[2.0, 1.0], paid=[1.0, 2.0])
    assert validated(validator("Order"), frame) == (
        ["0"],
        [("1", "paid_at_most_the_price", None)],
    )


def test_the_name_of_a_column_may_hold_the_separator_of_rules():
    labels = {rule.label: rule for rule in rules_of(sample_schemas.Wide)}
    assert labels["exact|max_exclusive"].column == "exact"
    assert labels["place|inner_city_nullability"].column == "place"
    assert labels["something_is_there"].column is None
    assert {rule.column for rule in labels.values() if rule.name == "nullability"} == set()  # fmt: skip


def test_rules_that_compare_rows_are_refused_unless_asked_for():
    with pytest.raises(SettingsError) as error:
        validator("Keyed")
    assert str(error.value) == (
        f"validator dataframely: schema {MODULE}:Keyed: rules that compare rows"
        " (serial|unique, primary_key, shares_of_a_day_are_all) see only the rows of"
        ' one batch; set cross_row = "batch" to apply them to each batch alone, or'
        " remove them"
    )


def test_rules_that_compare_rows_see_one_batch():
    made = validator("Keyed", KEYED, cross_row="batch")
    day, next_day = date(2026, 1, 1), date(2026, 1, 2)
    frame = keyed(
        (day, "a", 1, 0.5),
        (day, "b", 1, 0.5),
        (next_day, "a", 2, 0.5),
        (next_day, "a", 3, 0.25),
        (date(2026, 1, 3), "a", None, 2.0),
        (date(2026, 1, 4), None, 4, 1.0),
    )
    assert validated(made, frame) == (
        [],
        [
            ("0", "unique", "serial"),
            ("1", "unique", "serial"),
            ("2", "primary_key", None),
            ("3", "primary_key", None),
            ("4", "shares_of_a_day_are_all", None),
            ("5", "nullability", "sku"),
        ],
    )
    assert validated(made, frame[:1])[0] == ["0"]
    assert validated(made, frame[1:2])[0] == ["0"]


ACROSS = [
    pl.col("a").is_unique(),
    pl.struct("a", "b").is_unique(),
    pl.col("a").is_first_distinct(),
    pl.col("a").sum().over("b") > 1,
    pl.col("a") == pl.col("a").max(),
    pl.col("a").shift() < pl.col("a"),
    pl.col("a").cum_sum() > 1,
    pl.col("a").is_in(pl.col("b").implode()),
    pl.len() > 1,
    pl.int_range(pl.len()) > 1,
    pl.col("a").rank() > 1,
    pl.col("a").map_batches(lambda column: column > 1, return_dtype=pl.Boolean),
    pl.when(pl.col("a") > 1).then(pl.col("b").is_unique()).otherwise(True),
    pl.all_horizontal(pl.all().is_unique()),
    pl.col("c").explode().is_not_null().any(),
]
SINGLE = [
    pl.col("a") > 1,
    pl.col("a").is_in([1, 2]),
    pl.col("a").fill_null(0) < pl.col("b"),
    pl.lit(True),
    pl.all_horizontal(pl.all().is_not_null()),
    pl.struct("a", "b").struct.field("a") > 0,
    pl.col("c").list.len() > 0,
    pl.col("c").list.eval(pl.element().is_unique()).list.all(),
    pl.when(pl.col("a") > 1).then(pl.col("b") > 1).otherwise(None),
    pl.sum_horizontal("a", "b") == 3,
    pl.col("a").cast(pl.String).str.contains("1"),
    pl.col("a").cast(pl.Date).dt.is_leap_year(),
]


@pytest.mark.parametrize(
    ("valid", "compares"),
    [*((valid, True) for valid in ACROSS), *((valid, False) for valid in SINGLE)],
    ids=str,
)
def test_whether_a_rule_compares_rows(valid, compares):
    schema = type(
        "S", (dy.Schema,), {"a": dy.Int64(), "x": dy.rule()(lambda cls: valid)}
    )
    rules = [rule for rule in rules_of(schema) if rule.name == "x"]
    types = {"a": pl.Int64(), "b": pl.Int64(), "c": pl.List(pl.Int64())}
    assert list(cross_row_rules(rules, types, "S")) == rules * compares


def test_a_column_of_another_type_is_refused_before_anything_is_read():
    source = {**orders().schema, "price": pl.String()}
    with pytest.raises(SettingsError) as error:
        validator("Order", source)
    assert str(error.value) == (
        "validator dataframely: column price of schema Order is Float64, and String in"
        " the source; set cast = true, or change one of them"
    )
    assert validator("Order", source, cast=True).schema["price"] == pl.Float64()
    with pytest.raises(SettingsError, match="column paid of schema Order is not one of the source; there are number, note, price$"):  # fmt: skip
        validator("Order", orders().drop("paid").schema)


def test_a_column_that_may_have_several_types_has_that_of_the_source():
    types = {name: column.dtype for name, column in sample_schemas.Wide.columns().items()}  # fmt: skip
    made = validator("Wide", {**types, "whole": pl.UInt8(), "ratio": pl.Float32()})
    assert made.schema["whole"] == pl.UInt8()
    assert made.schema["ratio"] == pl.Float32()
    frame = pl.DataFrame(schema={**types, "whole": pl.Int16(), "ratio": pl.Float32()})
    frame = frame.vstack(frame.clear(2).with_columns(whole=pl.Series([1, 300], dtype=pl.Int16)))  # fmt: skip
    assert validated(made, frame) == (["0"], [("1", "dtype", "whole")])


def test_a_column_of_any_type_has_that_of_the_source():
    made = validator("Anything", {"value": pl.Duration()})
    assert made.schema["value"] == pl.Duration()
    with pytest.raises(SettingsError, match="column value of schema .*:Anything may have any type, and the source does not say which"):  # fmt: skip
        _ = validator("Anything").schema


def test_a_batch_may_differ_from_what_was_said_of_the_source():
    """Files drift: a column that is not there is null, and one of another type fits no row in which it has a value."""
    made = validator("Order")
    assert validated(made, orders().drop("note")) == (["0", "1"], [])
    assert validated(made, orders().drop("number")) == (
        [],
        [("0", "nullability", "number"), ("1", "nullability", "number")],
    )
    assert validated(made, orders(note=pl.Series([1, None]))) == (
        ["1"],
        [("0", "dtype", "note")],
    )
    assert validated(made, orders(number=["1", "2"])) == (
        [],
        [("0", "dtype", "number"), ("1", "dtype", "number")],
    )


def test_columns_that_are_not_declared_are_counted():
    frame = orders(more=[1, 2]).with_columns(pl.lit(1).alias("with space"))
    result = validator("Order").validate(Batch(["1", "2"], [None] * 2, frame=frame))
    assert result.ignored_fields == {"more": 2}
    assert result.frame.columns == ["number", "note", "price", "paid", SOURCE_KEY]


def test_with_cast_values_are_converted_as_dataframely_does():
    frame = orders(number=["1", "x"], price=["2.5", None], paid=[1, 2])
    assert validated(validator("Order", cast=True), frame) == (
        ["0"],
        [("1", "dtype", "number")],
    )
    frame = orders(number=[1.5, -0.5])
    result = validator("Order", cast=True).validate(Batch(["1", "2"], [None] * 2, frame=frame))  # fmt: skip
    assert result.frame["number"].to_list() == [1, 0]


def test_with_cast_a_float_beyond_a_decimal_rejects_its_row():
    schema = type("S", (dy.Schema,), {"exact": dy.Decimal(6, 2)})
    types = ColumnTypes(schema, {"exact": pl.Decimal(6, 2)}, cast=True)
    frame, faults = types.of(pl.DataFrame({"exact": [2.5, 1e9]}))
    assert frame["exact"].to_list() == [Decimal("2.50"), None]
    assert [(fault.error_type, fault.field) for fault in faults] == [("dtype", "exact")]


def test_with_cast_texts_are_days_and_times():
    """polars, and so dataframely, converts no texts to these types."""
    times = ["2026-01-01T10:00:00+01:00", "2026-01-01", "soon", None]
    frame = pl.DataFrame({"day": ["2026-01-01", "1.1.2026", None, "x"], "at": times})
    frame = frame.with_columns(wide_frame(0).clear(4).drop("day", "at", "text")).with_columns(text=pl.lit("a"))  # fmt: skip
    made = validator("Wide", frame.schema, cast=True)
    assert validated(made, frame) == (
        ["0"],
        [("1", "dtype", "day"), ("2", "dtype", "at"), ("3", "dtype", "day")],
    )
    result = made.validate(Batch(["0"], [None], frame=frame[:1]))
    row = result.frame.row(0, named=True)
    assert (row["day"], row["at"]) == (date(2026, 1, 1), datetime(2026, 1, 1, 9, tzinfo=UTC))  # fmt: skip


@pytest.mark.parametrize(
    ("dtype", "moment"),
    [
        (pl.Datetime("ms"), datetime(2026, 1, 1, 9)),
        (pl.Datetime("ns", "Asia/Tokyo"), datetime(2026, 1, 1, 9, tzinfo=UTC)),
    ],
)
def test_with_cast_a_text_is_a_time_of_any_type(dtype, moment):
    texts = pl.Series("at", ["2026-01-01T10:00:00+01:00", "no"])
    schema = type("S", (dy.Schema,), {"at": dy.Datetime(time_unit=dtype.time_unit, time_zone=dtype.time_zone)})  # fmt: skip
    frame, faults = ColumnTypes(schema, {"at": dtype}, cast=True).of(texts.to_frame())
    assert frame["at"].to_list() == [moment, None]
    assert frame["at"].dtype == dtype
    assert [(fault.error_type, fault.field) for fault in faults] == [("dtype", "at")]


def test_values_of_a_type_that_cannot_be_converted_reject_their_rows():
    frame = orders(price=[[1.0], None])
    assert validated(validator("Order", cast=True), frame) == (
        ["1"],
        [("0", "dtype", "price")],
    )


def test_a_day_outside_of_the_calendar_is_rejected():
    days = pl.Series([date(2026, 1, 1), None, None]).cast(pl.Int32)
    days = pl.concat([days, pl.Series([2**31 - 1], dtype=pl.Int32)]).cast(pl.Date)
    frame = pl.DataFrame({"day": days, "text": ["a", "b", None, "c"]})
    assert validated(validator("Wide"), frame) == (
        ["0", "1"],
        [("2", "something_is_there", None), ("3", "out_of_range", "day")],
    )


def test_a_rule_that_raises_rejects_the_rows_that_it_raises_for(caplog):
    secret = "secret-5d1f"
    texts = ["1", "-1", secret, None, "2", f"{secret} 2", *(["3"] * 100)]
    made = validator("Converting")
    with caplog.at_level(logging.DEBUG):
        kept, rejected = validated(made, pl.DataFrame({"text": texts}))
        again = validated(made, pl.DataFrame({"text": [secret]}))
    assert kept == ["0", "3", "4", *map(str, range(6, 106))]
    assert rejected == [
        ("1", "check__positive", "text"),
        ("2", "validator_error", None),
        ("5", "validator_error", None),
    ]
    assert again == ([], [("0", "validator_error", None)])
    assert caplog.messages == [
        "validator dataframely: rule text|check__positive raised"
        " InvalidOperationError: such rows are rejected as validator_error; correct the"
        " rule"
    ]


def test_a_rule_that_raises_beside_one_that_compares_rows_rejects_the_batch():
    made = validator("ConvertingKeyed", cross_row="batch")
    frame = pl.DataFrame({"text": ["1", "x"], "key": [1, 2]})
    assert validated(made, frame) == (
        [],
        [("0", "validator_error", None), ("1", "validator_error", None)],
    )
    assert validated(made, frame[:1]) == (["0"], [])


def test_a_rule_on_a_column_that_is_not_there_is_refused():
    with pytest.raises(SettingsError, match='rule wrong of schema .*:Misspelt cannot be evaluated on its columns: ColumnNotFoundError: .*"b".*; correct the rule'):  # fmt: skip
        validator("Misspelt")


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("Order", "setting schema is 'Order'; write it as package.module:Schema"),
        (f"{MODULE}:Ordr", "has no Ordr; did you mean Order\\?; schemas in it: Order, Keyed"),
        (f"{MODULE}:NUMBER", "is not a subclass of dataframely.Schema with columns"),
        (f"{MODULE}:Empty", "is not a subclass of dataframely.Schema with columns"),
        (f"{MODULE}:Taken", "source_key is a column that is added; rename it"),
        ("no_such_module:Order", "ModuleNotFoundError: .*; install its package"),
    ],
)  # fmt: skip
def test_a_schema_that_cannot_be_is_refused(path, said):
    with pytest.raises(SettingsError, match=f"^validator dataframely: .*{said}"):
        DataframelyValidator(DataframelyValidator.Settings(schema=path))


def test_what_is_known_of_the_columns():
    facts = validator("Wide").column_facts()
    assert facts["kind"] == ("", True, ["a", "b"])
    assert validator("Order").column_facts()["number"] == ("", False, [])


VALUES = {
    "text": ["", "a", "ab"],
    "whole": [1, 3, 4, -1],
    "exact": [Decimal("0.00"), Decimal("99.99"), Decimal("100.00"), Decimal("-1.00")],
    "ratio": [0.5, 0.0, -1.0, float("inf"), float("nan")],
    "yes": [True, False],
    "day": [date(1, 1, 1), date(9999, 12, 31)],
    "at": [datetime(2026, 1, 1, tzinfo=UTC)],
    "kind": ["a", "b"],
    "parts": [[], [1], [1, -1], [1, 2, 3], [None]],
    "place": [{"city": "x", "lat": None}, {"city": None, "lat": 1.0}],
    "odd|name": [1, 2],
}
WIDE = {name: column.dtype for name, column in sample_schemas.Wide.columns().items()}
TEXTS = ["1", "-1", "x", "", "2026-01-01", "1.5", "nan", "true", "a", "99999999999"]
NUMBERS = [1, 0, -1, 3, 2**40, 1.5, float("nan"), float("inf"), 99.99]


def wide_frame(seed):
    made = random.Random(seed)
    height = made.randint(0, 6)
    columns = {
        name: pl.Series(
            name,
            [None if made.random() < 0.3 else made.choice(VALUES[name]) for _ in range(height)],
            dtype=dtype,
        )
        for name, dtype in WIDE.items()
    }  # fmt: skip
    return pl.DataFrame(columns)


def text_frame(seed):
    """Columns of texts, numbers or nulls where the schema has others."""
    made = random.Random(seed)
    frame = wide_frame(seed)
    for name in ("text", "whole", "exact", "ratio", "yes", "day", "at", "kind", "odd|name"):  # fmt: skip
        values, dtype = made.choice([(TEXTS, pl.String()), (NUMBERS, pl.Float64()), ([None], pl.Null())])  # fmt: skip
        if made.random() < 0.4 and not (name == "at" and dtype == pl.Null()):
            column = pl.Series(name, [made.choice(values) for _ in range(frame.height)], dtype=dtype, strict=False)  # fmt: skip
            try:
                column.cast(WIDE[name], strict=False)
            except pl.exceptions.PolarsError:
                continue
            frame = frame.with_columns(column)
    return frame


@cache
def wide():
    return validator("Wide", WIDE)


@cache
def compared():
    return validator("Keyed", KEYED, cross_row="batch")


def alone(schema, frame, cast):
    """Positions and values that the library alone accepts, and for which rules it rejects others."""
    schema = getattr(importlib.import_module(MODULE), schema)
    good, failure = schema.filter(frame, cast=cast)
    return good, failure


@given_more(1_000, st.integers(0, 2**32), st.booleans())
def test_the_verdict_is_that_of_the_library_alone(seed, cast):
    """Any frame: the same rows with the same values, and each reason is a rule that the library names."""
    frame = text_frame(seed) if cast else wide_frame(seed)
    good, failure = alone("Wide", frame, cast)
    made = validator("Wide", frame.schema, cast=True) if cast else wide()
    keys = [str(number) for number in range(frame.height)]
    result = made.validate(Batch(keys, [None] * frame.height, frame=frame))
    calendar = {each.source_key for each in result.rejections if each.error_type == "out_of_range"}  # fmt: skip
    assert not calendar
    assert result.frame.drop(SOURCE_KEY).equals(good)
    assert len(result.rejections) == len(failure)
    named = [
        each.error_type if each.field is None else f"{each.field}|{each.error_type}"
        for each in result.rejections
    ]
    details = failure.details()
    for row, label in enumerate(named):
        assert details[label][row] == "invalid"


@given_more(1_000, st.integers(0, 2**32))
def test_the_verdict_on_rows_that_are_compared_is_that_of_the_library_alone(seed):
    made = random.Random(seed)
    frame = keyed(
        *(
            (
                made.choice([date(2026, 1, 1), date(2026, 1, 2), None]),
                made.choice(["a", "b", "c"]),
                made.choice([1, 2, 3, 4, 5, None]),
                made.choice([0.25, 0.5, 1.0]),
            )
            for _ in range(made.randint(0, 5))
        )
    )
    good, failure = alone("Keyed", frame, cast=False)
    kept, rejected = validated(compared(), frame)
    assert frame[list(map(int, kept))].equals(good)
    assert len(rejected) == len(failure)
