"""Records that are parsed without the model: the same rows as by the model."""

import json
from datetime import date, datetime
from typing import Annotated, Any, Literal, NotRequired

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetPydanticSchema,
    field_validator,
)
from pydantic_core import core_schema
from typing_extensions import TypedDict

from reporting_event_log_checkpoint.validator import VisitEventValidator
from reporting_framework import Timestamp
from reporting_framework.builtin.flat_records import CHUNK, FlatRecordParser
from reporting_framework.builtin.model_reader import RecordParser
from reporting_framework.builtin.pydantic_validator import FEW, ModelValidator
from tests.framework.builtin import sample_models
from tests.framework.builtin.validating import batch, made, properties, reasons, run

Day2024 = Annotated[
    date,
    GetPydanticSchema(
        lambda _source, _handler: core_schema.chain_schema(
            [core_schema.str_schema(pattern="^2024-"), core_schema.date_schema()]
        )
    ),
]


class Sample(BaseModel):
    """A field of each kind that is parsed without the model."""

    text: Annotated[str, Field(min_length=1, max_length=5)]
    code: Annotated[str, Field(pattern=r"^[A-Zé]+$")] = "A"
    kind: Literal["a", "b"]
    number: Annotated[int, Field(ge=-3, lt=10)]
    big: int | None = None
    ratio: Annotated[float | None, Field(gt=0)] = None
    flag: bool = False
    day: date
    moment: datetime | None = None
    at: Timestamp | None = None
    note: str | None = "none"
    leap: Day2024 | None = None


class SampleValidator(ModelValidator):
    """Validator of the sample."""

    name = "sample"
    model = Sample


GOOD: dict[str, Any] = {
    "text": "né",
    "code": "Aé",
    "kind": "a",
    "number": 7,
    "big": -(2**63),
    "ratio": 0.1,
    "flag": True,
    "day": "2024-02-29",
    "moment": "2024-01-31T23:59:59.123456Z",
    "at": "2024-01-31T00:00:00-05:30",
    "note": "a:",
    "leap": "2024-12-31",
}
ODD = [
    *["null", "true", "false", "0", "-0", "1", "7.0", "1e1", "1.5", "-1e400", "NaN"],
    *[
        "12345678901234567890",
        "18446744073709551616",
        "-9223372036854775809",
        "9223372036854775807",
        "07",
        "+7",
        "[]",
        '["a"]',
        "{}",
    ],
    *['""', '"a"', '":"', '": null"', '"\\u0041"', '"a\\"b"', '"7"', '"true"', '"A"'],
    *['{"text": "a"}', '{"moment": null}', '"AB"', '"toolong"', '"\\ud800"', '"é"'],
    *['"2024-02-30"', '"0000-01-01"', '"2024-1-1"', '"1704067200"', '"2024-01-01Z"'],
    *['"2024-01-01T24:00:00"', '"2024-01-01T00:00:60Z"', '"2024-01-01 00:00:00"'],
    *['"2024-01-01T00:00:00"', '"2024-01-01T00:00:00.1234567Z"', '"9999-12-31"'],
    *['"2024-01-01T00:00:00+05:30"', '"2024-01-01T00:00:00-23:59"'],
    *['"0001-01-01T00:00:00+01:00"', '"9999-12-31T23:59:59-01:00"'],
    '"0000-12-31T23:00:00-02:00"',
    *['"2024-01-01T00:00:00+24:00"', '"2024-01-01T00:00:00.5+0530"'],
    *[
        '"2023-12-31"',
        '"2024-01-01T00:00:00-00:00"',
        '"2024-01-01T00:00:00+01"',
        '"2024-01-01T00:00"',
    ],
]
KEYS = [*GOOD, "unknown", '"', ":"]
BLANKS = ["", " ", "\t", "\n", "\r", "  "]


@st.composite
def records(draw: st.DrawFn) -> bytes:
    """A record: valid, except for a few members, blanks, or its end."""
    members = [
        (key, json.dumps(value, ensure_ascii=False)) for key, value in GOOD.items()
    ]
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(members) - 1))
        match draw(st.sampled_from(["value", "again", "leave out", "null", "key"])):
            case "value":
                members[at] = (members[at][0], draw(st.sampled_from(ODD)))
            case "again":
                members.append((members[at][0], draw(st.sampled_from(ODD))))
            case "leave out" if len(members) > 1:
                del members[at]
            case "null":
                members[at] = (members[at][0], "null")
            case _:
                key = draw(st.sampled_from(KEYS))
                members.append((key, draw(st.sampled_from(ODD))))
    blank = st.sampled_from(BLANKS) if draw(st.booleans()) else st.just("")
    text = ",".join(
        f"{draw(blank)}{json.dumps(key)}{draw(blank)}:{draw(blank)}{value}"
        for key, value in members
    )
    ends = st.sampled_from([("{", "}"), ("{", ""), ("[{", "}]"), ("{", "}{}")])
    begin, end = draw(ends) if draw(st.integers(0, 9)) == 0 else ("{", "}")
    return f"{draw(blank)}{begin}{text}{end}{draw(blank)}".encode("utf-8", "replace")


def encoded(record: dict[str, Any]) -> bytes:
    """A record as JSON, without escapes."""
    return json.dumps(record, ensure_ascii=False).encode()


def with_value(key: str, value: str) -> bytes:
    """A valid record with this JSON text as the value of a key."""
    return encoded({**GOOD, key: "@"}).replace(b'"@"', value.encode())


def parser_of(validator: ModelValidator) -> FlatRecordParser:
    """The parser of a validator's model."""
    columns = dict(validator.schema)
    del columns["source_key"]
    reader = RecordParser(validator.model, "ignore")
    parser = FlatRecordParser.of(reader.schema, columns, validator.defaults)
    assert parser is not None
    return parser


def agree(validator: ModelValidator, payloads: list[bytes]) -> int:
    """Compare each record that is taken with the model's row; return their number."""
    parser, taken = parser_of(validator), 0
    for payload in payloads:
        frame, at = parser.parse([payload])
        if len(at):
            by_model, taken = run(validator, payload), taken + 1
            assert frame.equals(by_model.frame.drop("source_key"))
            assert frame.schema == by_model.frame.drop("source_key").schema
            assert not by_model.ignored_fields
    return taken


@properties
@given(st.lists(records(), min_size=1, max_size=8))
def test_a_record_that_is_taken_is_the_row_that_the_model_makes(payloads):
    agree(made(SampleValidator), payloads)


def test_each_odd_value_in_each_field_is_as_the_model_has_it():
    payloads = [with_value(key, value) for key in GOOD for value in ODD]
    assert agree(made(SampleValidator), payloads) > 20


class Bounded(BaseModel):
    """A field whose later bound replaces an earlier one, for the model alone."""

    number: Annotated[Annotated[int, Field(ge=0, le=10)], Field(le=2**40)]


class BoundedValidator(ModelValidator):
    """Validator of the field, whose column has 32 bits."""

    name = "bounded"
    model = Bounded


def test_a_number_that_its_column_cannot_hold_is_left_to_the_model():
    assert agree(made(BoundedValidator), [b'{"number":4294967296}']) == 0
    assert agree(made(BoundedValidator), [b'{"number":2147483647}']) == 1


@pytest.mark.parametrize("kind", [bytearray, memoryview, bytes.decode, len])
def test_a_payload_that_is_not_bytes_is_left_to_the_model(kind):
    whole = batch(*[encoded(GOOD)] * (FEW + 1))
    payloads = [kind(whole.payloads[0]), *whole.payloads[1:]]
    validated = made(SampleValidator).validate(whole._replace(payloads=payloads))
    alone = batch(encoded(GOOD))._replace(payloads=payloads[:1])
    assert validated.rejections == made(SampleValidator).validate(alone).rejections
    assert validated.frame.height == FEW


@pytest.mark.parametrize("number", [2**64, 10**38, -(2**63) - 1, -(2**127)])
def test_an_integer_of_more_than_64_bits_is_no_text(number):
    payloads = [encoded({**GOOD, "note": number}), encoded({**GOOD, "note": "Static("})]
    assert agree(made(SampleValidator), payloads) == 0


@pytest.mark.parametrize(
    "members",
    [
        '"big": 1, "big": null',
        '"big": null, "big": 1',
        '"big": null, "big": null',
        '"big" : 1, "big": 1',
        '"big": 1, "big"\t: null',
        '"big": 1, "unknown": null',
        '"big": 1, "un\\u006bnown" : "a"',
        '"big": null, "unknown": {"big": null}',
        '"big": 1, "unknown": [{"ratio": null}]',
    ],
)
def test_a_key_that_is_there_twice_or_is_unknown_is_left_to_the_model(members):
    payload = encoded({**GOOD, "big": "@"}).decode().replace('"big": "@"', members)
    assert agree(made(SampleValidator), [payload.encode()]) == 0


def test_json_that_is_no_object_is_left_to_the_model():
    class Free(BaseModel):
        """A model that any object fits."""

        number: int | None = None

    class FreeValidator(ModelValidator):
        """Validator of any object."""

        name = "free"
        model = Free

    payloads = [b"[]", b"null", b"5", b'"x"', b"[{}]", b"", b"{} {}", b"{}"]
    assert agree(made(FreeValidator), payloads) == 1


def test_plain_valid_records_are_taken():
    """Otherwise the parser could take none, and all would still agree."""
    least = {key: GOOD[key] for key in ("text", "kind", "number", "day")}
    nothing = dict.fromkeys(("big", "ratio", "moment", "at"))
    payloads = [encoded(record) for record in (GOOD, least, {**GOOD, **nothing})]
    spaced = [b" " + payloads[0] + b"\n", payloads[0].replace(b": ", b":")]
    assert agree(made(SampleValidator), payloads + spaced) == 4
    _, at = parser_of(made(SampleValidator)).parse(payloads)
    assert at.to_list() == [0, 2]  # a default is the model's


def test_one_record_that_is_not_json_leaves_the_other_chunks_to_the_parser():
    good = encoded(GOOD)
    payloads = [good] * (3 * CHUNK)
    payloads[CHUNK + 5] = b'{"text": }'
    _, at = parser_of(made(SampleValidator)).parse(payloads)
    assert at.to_list() == [*range(CHUNK), *range(2 * CHUNK, 3 * CHUNK)]


def test_a_large_batch_is_validated_as_its_records_are_one_by_one():
    validator = made(SampleValidator)
    odd = [with_value(key, value) for key in GOOD for value in ODD]
    payloads = [*odd, *[encoded(GOOD)] * FEW, b"", b"[]", b"\xff"]
    whole = run(validator, *payloads)
    singles = [run(validator, payload) for payload in payloads]
    rows = pl.concat([single.frame for single in singles])
    assert whole.frame.drop("source_key").equals(rows.drop("source_key"))
    found = [(each.error_type, each.field) for each in reasons(whole)]
    assert found == [
        (each.error_type, each.field)
        for single in singles
        for each in single.rejections
    ]


def test_unknown_fields_of_a_large_batch_are_counted():
    payloads = [{**GOOD, "extra": None}, *[GOOD] * FEW, {**GOOD, "more": "x"}]
    found = made(SampleValidator).validate(batch(*payloads))
    assert found.ignored_fields == {"extra": 1, "more": 1}
    refused = made(SampleValidator, "reject").validate(batch(*payloads))
    assert {each.source_key for each in refused.rejections} == {"o0", f"o{FEW + 1}"}


def test_the_visit_event_is_parsed_without_its_model():
    event = {
        **{"action": "submit", "study": "adrc", "pipeline_adcid": 1, "ptid": "A1"},
        **{"project_label": "p", "center_label": "c", "gear_name": "g"},
        **{"visit_date": "2024-01-15", "visit_number": "1", "datatype": "form"},
        **{"module": "UDS", "packet": None, "timestamp": "2024-01-15T10:00:00Z"},
    }
    without = {key: value for key, value in event.items() if key != "packet"}
    digits = {**event, "pipeline_adcid": "1"}
    texts = [json.dumps(each).encode() for each in (event, without, digits)]
    assert agree(made(VisitEventValidator), texts) == 2


class Aliased(BaseModel):
    """A field with another key."""

    id: int = Field(alias="ID")


class Checked(BaseModel):
    """A field with a function."""

    id: str

    @field_validator("id")
    @classmethod
    def _upper(cls, value: str) -> str:
        return value.upper()


class Stripped(BaseModel):
    """A configuration that changes texts."""

    model_config = ConfigDict(str_strip_whitespace=True)

    id: str


class Refusing(BaseModel):
    """A class that makes no objects."""

    id: str

    def __new__(cls, *_args: Any, **_kwargs: Any) -> "Refusing":
        raise ValueError


class Endless(BaseModel):
    """A bound that no number satisfies."""

    ratio: Annotated[float, Field(lt=float("nan"))]


class Nested(TypedDict):
    """A list."""

    ids: NotRequired[list[int]]


@pytest.mark.parametrize(
    "model",
    [
        *[Aliased, Checked, Stripped, Refusing, Endless, Nested],
        *[sample_models.Everything, sample_models.Ruled],
    ],
)
def test_a_model_with_other_rules_is_not_parsed_without_it(model):
    schema = RecordParser(model, "ignore").schema
    assert FlatRecordParser.of(schema, {}, {}) is None
