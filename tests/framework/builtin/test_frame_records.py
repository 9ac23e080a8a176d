"""Rows of a frame are validated as the same rows are that come as JSON records."""

import json
import logging
from datetime import UTC, date, datetime, time
from decimal import Decimal
from operator import itemgetter
from typing import Any

import polars as pl
import polars.selectors as cs
import pytest
from hypothesis import strategies as st
from pydantic import AwareDatetime, BaseModel, Field
from typing_extensions import TypedDict

from reporting_framework import Batch, Rejection
from reporting_framework.builtin.pydantic_validator import (
    ModelValidator,
    ModelValidatorSettings,
)
from tests.framework.builtin.validating import made
from tests.support.properties import given_few


class Record(TypedDict):
    number: int
    small: int | None
    ratio: float
    text: str
    flag: bool
    at: datetime
    day: date
    nested: Any


class Rule(ModelValidator):
    name = "rule"
    model = Record

    def check_record(self, record):
        if record["number"] == 13:
            raise ValueError("unlucky")
        return record


class Text(TypedDict):
    text: Any


class Texts(ModelValidator):
    name = "texts"
    model = Text


class Model(BaseModel):
    number: int = Field(ge=0, le=1000)
    text: str = "none"
    at: AwareDatetime | None
    day: date | None = None


class Modelled(ModelValidator):
    name = "modelled"
    model = Model


MOMENT = datetime(2024, 5, 1, 9, 15, 0, 250)
VALUES = {
    pl.Int64: [0, 13, -1, 2**40],
    pl.UInt64: [7, 2**64 - 1],
    pl.Float32: [0.1, 2.0, float("nan")],
    pl.Float64: [1.5, 3.0, 1e300, float("nan"), float("inf")],
    pl.Boolean: [True, False],
    pl.String: ["x", "5", "", "ü\u2028\n", "2024-05-01", "2024-05-01T09:15:00Z"],
    pl.Date: [date(2024, 5, 1), date(1, 1, 1)],
    pl.Time: [time(9, 15)],
    pl.Decimal(20, 4): [Decimal("1.2500"), Decimal(3)],
    pl.Categorical: ["x", "y"],
    pl.Datetime("us", "UTC"): [MOMENT.replace(tzinfo=UTC)],
    pl.Datetime("us", "Europe/Berlin"): [MOMENT.replace(tzinfo=UTC)],
    pl.Datetime("ms"): [MOMENT],
    pl.List(pl.Int64): [[1, 2], []],
    pl.Struct({"a": pl.Float64}): [{"a": 1.0}, {"a": None}, {"a": float("nan")}],
}
FITTING = {
    "number": pl.Int64,
    "small": pl.Int64,
    "ratio": pl.Float64,
    "text": pl.String,
    "flag": pl.Boolean,
    "at": pl.Datetime("us", "UTC"),
    "day": pl.Date,
    "nested": pl.List(pl.Int64),
}


@st.composite
def frames(draw):
    """Frames whose columns fit the models, but for some."""
    names = st.sampled_from([*FITTING, "more"])
    other = draw(st.dictionaries(names, st.sampled_from([*VALUES]), max_size=3))
    height = draw(st.integers(0, 4))
    return pl.DataFrame(
        [
            pl.Series(
                name,
                draw(
                    st.lists(
                        st.sampled_from([*VALUES[dtype], None]),
                        min_size=height,
                        max_size=height,
                    )
                ),
                dtype=dtype,
            )
            for name, dtype in {**FITTING, **other}.items()
        ]
    )


def as_text(value):
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def as_batches(frame):
    """The rows as a frame, and as JSON records."""
    numbers = range(frame.height)
    keys, versions = [f"t/{n}" for n in numbers], [f"v{n}" for n in numbers]
    columns = pl.Series(keys, dtype=pl.String), pl.Series(versions, dtype=pl.String)
    rows = frame.rows(named=True)
    for name in frame.select(cs.datetime("ms")).columns:
        for row in filter(itemgetter(name), rows):
            row[name] = row[name].isoformat(timespec="milliseconds")
    records = [json.dumps(row, default=as_text).encode() for row in rows]
    return Batch(*columns, frame=frame), Batch(keys, versions, records)


@given_few(
    frames(),
    st.sampled_from([Rule, Modelled]),
    st.sampled_from(["ignore", "reject", "keep"]),
)
def test_rows_of_a_frame_fare_as_the_same_json_records(frame, kind, extra):
    validator = made(kind, extra)
    as_frame, as_json = map(validator.validate, as_batches(frame))
    assert as_frame.rejections == as_json.rejections
    assert as_frame.frame.equals(as_json.frame)
    assert as_frame.frame.schema == validator.schema
    assert as_frame.ignored_fields == as_json.ignored_fields


@pytest.mark.parametrize(
    "bad",
    [
        pl.Series("text", [b"good", b"\xff"]),
        pl.Series("text", [[b"good"], [b"\xff"]]),
        pl.Series("text", ["good", object()], dtype=pl.Object),
        pl.Series("text", [[0], [2**62]]).cast(pl.List(pl.Datetime("us"))),
    ],
    ids=["bytes", "nested bytes", "object", "year 148108"],
)
def test_a_value_that_json_does_not_have_rejects_its_row_alone(bad):
    frame = pl.DataFrame([bad])
    validated = made(Texts).validate(Batch(["t/1", "t/2"], ["v1", "v2"], frame=frame))
    assert validated.frame["source_key"].to_list() == ["t/1"]
    assert validated.rejections == [Rejection("t/2", "v2", "wrong_type", "text")]


@pytest.mark.parametrize(
    ("field", "dtype", "far"),
    [
        ("at", pl.Datetime("us", "UTC"), 2**62),
        ("day", pl.Date(), 2**31 - 1),
        ("text", pl.Date(), 4_000_000),
    ],
)
def test_a_time_that_python_does_not_have_rejects_its_row_alone(field, dtype, far):
    column = pl.Series([0, far]).cast(pl.Int32 if dtype == pl.Date() else pl.Int64)
    times = {"number": [1, 2], "at": [None, None], field: column.cast(dtype)}
    frame = pl.DataFrame(times)
    validated = made(Modelled).validate(Batch(["a", "b"], [None, None], frame=frame))
    assert validated.rejections == [Rejection("b", None, "wrong_type", field)]


def test_no_digit_of_a_decimal_is_lost():
    price = Decimal("123456789012345678.01")
    frame = pl.DataFrame({"text": [price]}, schema={"text": pl.Decimal(30, 2)})
    validated = made(Texts).validate(Batch(["a"], [None], frame=frame))
    assert validated.frame["text"].to_list() == [f'"{price}"']


def test_it_says_once_that_another_validator_is_faster(caplog):
    caplog.set_level(logging.INFO, "reporting_framework")
    validator = Modelled(ModelValidatorSettings())
    for _ in range(2):
        validator.validate(Batch(frame=pl.DataFrame()))
    assert len(caplog.messages) == 1
    assert "the validator frame" in caplog.text
