"""The generic validator, over models and TypedDicts of all kinds."""

import enum
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal, NotRequired, Required

import polars as pl
import pytest
from pydantic import BaseModel, Field, field_validator
from typing_extensions import TypedDict

from reporting_framework import Batch
from reporting_framework.builtin.columns import UnsupportedField, canonical_json, column_of
from reporting_framework.builtin.pydantic_validator import PydanticValidator
from reporting_framework.builtin.unknown_fields import NAMES_KEPT, OTHER
from reporting_framework.errors import SettingsError

HERE = __name__


class Colour(enum.Enum):
    RED = "red"


class Part(BaseModel):
    name: str
    numbers: list[int] = []


class Order(BaseModel):
    """A model with a field of each kind."""

    number: int = Field(alias="orderNumber")
    small: Annotated[int, Field(ge=0, le=100)] = 0
    price: float = 1.0
    paid: bool = False
    placed: datetime = datetime(2024, 1, 1)
    due: date | None = None
    state: Literal["open", "closed"] = "open"
    colour: Colour | None = None
    part: Part | None = None
    tags: dict[str, int] = {}
    anything: Any = None


class Minded(BaseModel):
    """A model whose own rule fails in ways of its own."""

    name: str

    @field_validator("name")
    @classmethod
    def _fails(cls, value: str) -> str:
        if value == "overflow":
            raise OverflowError("secret")
        if value == "key":
            raise KeyError("secret")
        if value == "bad":
            raise ValueError("secret")
        return value


class Partly(TypedDict, total=False):
    must: Required[str]
    may: str


class Mixed(TypedDict):
    must: str
    may: NotRequired[str]


class Odd(BaseModel):
    pattern: set[int] = set()


def validate(model: str, *payloads: bytes, extra: str = "ignore") -> Any:
    validator = PydanticValidator(PydanticValidator.Settings(model=f"{HERE}:{model}", extra=extra))
    origins = [f"o{n}" for n in range(len(payloads))]
    validated = validator.validate(Batch(origins, [None] * len(payloads), payloads))
    assert validated.frame.schema == validator.schema
    return validated


def reasons(model: str, *payloads: bytes, extra: str = "ignore") -> list[tuple[str, str | None]]:
    return [(item.error_type, item.field) for item in validate(model, *payloads, extra=extra).rejections]


def test_each_kind_of_field_has_a_column():
    frame = validate(
        "Order",
        b'{"orderNumber": 7, "placed": "2024-01-01T02:00:00+02:00", "due": "2024-02-01", "colour": "red",'
        b' "part": {"name": "n", "numbers": [1]}, "tags": {"b": 1, "a": 2}, "anything": [null]}',
        b'{"orderNumber": 8}',
    ).frame
    assert frame.schema == {
        "number": pl.Int64,
        "small": pl.Int32,
        "price": pl.Float64,
        "paid": pl.Boolean,
        "placed": pl.Datetime("us", "UTC"),
        "due": pl.Date,
        "state": pl.String,
        "colour": pl.String,
        "part": pl.String,
        "tags": pl.String,
        "anything": pl.String,
        "source_key": pl.String,
    }
    assert frame.row(0) == (
        7, 0, 1.0, False, datetime(2024, 1, 1, tzinfo=UTC), date(2024, 2, 1), "open", "red",
        '{"name":"n","numbers":[1]}', '{"a":2,"b":1}', "[null]", "o0",
    )  # fmt: skip
    assert frame.row(1)[4:9] == (datetime(2024, 1, 1, tzinfo=UTC), None, "open", None, None)


def test_fields_are_told_by_the_names_that_are_declared():
    payloads = [
        b"{}",
        b'{"orderNumber": 1, "part": {"numbers": ["secret"], "name": "n"}}',
        b'{"orderNumber": 1, "tags": {"secret": "x"}}',
    ]
    assert reasons("Order", *payloads) == [
        ("missing", "number"),
        ("int_parsing", "part.numbers"),
        ("int_parsing", "tags"),
    ]


def test_a_number_that_does_not_fit_its_column_rejects_its_record_alone():
    payloads = [b'{"orderNumber": 1}', b'{"orderNumber": 9223372036854775808}', b'{"orderNumber": 2}']
    validated = validate("Order", *payloads)
    assert validated.frame["number"].to_list() == [1, 2]
    assert [(item.origin, item.error_type, item.field) for item in validated.rejections] == [
        ("o1", "out_of_range", "number")
    ]


@pytest.mark.parametrize("value", [b"NaN", b"Infinity", b"-Infinity"])
def test_numbers_that_json_does_not_have_are_refused(value):
    assert reasons("Order", b'{"orderNumber": 1, "price": ' + value + b"}") == [("finite_number", "price")]
    assert reasons("Order", b'{"orderNumber": 1, "anything": ' + value + b"}") == [("out_of_range", "anything")]


def test_a_rule_of_the_models_own_that_fails_is_a_rejection():
    payloads = [b'{"name": "overflow"}', b'{"name": "key"}', b'{"name": "bad"}', b'{"name": "good"}']
    validated = validate("Minded", *payloads)
    assert [item.error_type for item in validated.rejections] == ["validator_error", "validator_error", "value_error"]
    assert validated.frame["name"].to_list() == ["good"]
    assert "secret" not in repr(validated.rejections)


@pytest.mark.parametrize("model", ["Partly", "Mixed"])
def test_what_a_typed_dict_does_not_require_may_be_absent(model):
    validated = validate(model, b'{"must": "x"}', b'{"must": "x", "may": "y"}', b'{"may": "y"}')
    assert validated.frame["may"].to_list() == [None, "y"]
    assert [(item.error_type, item.field) for item in validated.rejections] == [("missing", "must")]


@pytest.mark.parametrize("model", ["Mixed", "Minded"])
def test_unknown_fields_of_models_and_typed_dicts(model):
    payload = b'{"must": "x", "name": "x", "new": 1}'
    known = {"Mixed": "name", "Minded": "must"}[model]
    assert validate(model, payload).ignored_fields == {known: 1, "new": 1}
    assert reasons(model, payload, extra="reject") == [("extra_forbidden", None)]
    assert validate(model, payload, extra="keep").frame["extra"].to_list() == [f'{{"{known}":"x","new":1}}']


def test_names_of_ignored_fields_are_bounded():
    fields = ", ".join(f'"n{number}": 0' for number in range(NAMES_KEPT + 5))
    ignored = validate("Mixed", f'{{"must": "x", {fields}, "{"n" * 65}": 0}}'.encode()).ignored_fields
    assert len(ignored) == NAMES_KEPT + 1
    assert ignored[OTHER] == 6


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("nowhere", "setting model is 'nowhere'; write it as package.module:Model"),
        ("no.such:Model", "no.such:Model: ModuleNotFoundError"),
        (f"{HERE}:Nothing", "AttributeError"),
        (f"{HERE}:HERE", "is neither a pydantic model nor a TypedDict"),
        (f"{HERE}:Odd", "validator pydantic: Odd: no column for set[int]; use a plain type"),
    ],
)
def test_a_model_that_cannot_be_used_is_told(path, message):
    with pytest.raises(SettingsError) as caught:
        PydanticValidator(PydanticValidator.Settings(model=path))
    assert message in str(caught.value)


def test_bounds_that_are_given_in_other_ways():
    assert column_of(Annotated[int, Field(gt=0, lt=2**31)]).dtype == pl.Int64
    assert column_of(Annotated[int, Field(gt=-1, lt=10)]).dtype == pl.Int32
    assert column_of(Annotated[int, Field(ge=0)]).dtype == pl.Int64
    with pytest.raises(UnsupportedField, match="no column for"):
        column_of(int | str)
    with pytest.raises(UnsupportedField, match="no column for"):
        column_of(Literal[1])


def test_canonical_json_refuses_what_it_cannot_say():
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json({"a": float("nan")})
