"""The generic validator: what becomes of fields, errors and unknown fields, whatever the model."""

import time
from datetime import UTC, date, datetime
from typing import Annotated, Any, NotRequired

import polars as pl
import pytest
from pydantic import BaseModel, Field, Json, create_model
from typing_extensions import TypedDict

from reporting_framework import SOURCE_KEY, Rejection, SettingsError
from reporting_framework.builtin.columns import Column
from reporting_framework.builtin.pydantic_validator import (
    ModelValidator,
    ModelValidatorSettings,
    PydanticValidator,
)
from reporting_framework.builtin.unknown_fields import NAMES_KEPT, OTHER
from reporting_framework.registry.registry import load_plugins
from tests.framework.builtin.validating import (
    batch,
    made,
    reason,
    reasons,
    row,
    run,
    validator,
)

# -- columns -----------------------------------------------------------------------------------------------------------


def test_the_plugin_is_found_by_its_name():
    assert load_plugins([]).find("validator", "pydantic") is PydanticValidator
    assert PydanticValidator.input_format == "both"


def test_each_kind_of_field_has_its_column_and_the_source_key_comes_last():
    assert dict(validator("Everything").schema) == {
        "text": pl.String,
        "named": pl.String,
        "number": pl.Int64,
        "small": pl.Int32,
        "below": pl.Int32,
        "ratio": pl.Float64,
        "flag": pl.Boolean,
        "day": pl.Date,
        "moment": pl.Datetime("us", "UTC"),
        "aware": pl.Datetime("us", "UTC"),
        "choice": pl.String,
        "color": pl.String,
        "inner": pl.String,
        "mapping": pl.String,
        "items": pl.String,
        "pair": pl.String,
        "anything": pl.String,
        SOURCE_KEY: pl.String,
    }
    assert list(validator("Everything", "keep").schema)[-2:] == ["extra", SOURCE_KEY]


@pytest.mark.parametrize(("high", "dtype"), [(1e6, pl.Int32), (1e12, pl.Int64)])
def test_a_bound_that_is_a_float_is_compared_at_once(high, dtype):
    """To look for it in a range takes a minute."""
    began = time.process_time()
    bounded = create_model("M", n=Annotated[int, Field(ge=-1e3, le=high)])
    kind = type("Bounded", (ModelValidator,), {"name": "bounded", "model": bounded})
    assert kind(ModelValidatorSettings()).schema["n"] == dtype
    assert time.process_time() - began < 10


def test_values_of_each_kind():
    record = {
        "text": "ü\u0000",
        "number": 2**63 - 1,
        "small": 10,
        "below": -4,
        "ratio": 0.1,
        "flag": True,
        "day": "2024-02-29",
        "moment": "2024-01-01T00:30:00+01:00",
        "aware": "2024-01-01T00:30:00Z",
        "choice": "b",
        "color": "red",
        "inner": {"z": 1, "Size": 3, "a": "é"},
        "mapping": {"b": 1, "a": 2},
        "items": [{"Size": 1}],
        "pair": [1, "x"],
        "anything": {"k": [1, 2.5, None, True, 12345678901234567890123]},
    }
    assert row(run(validator("Everything"), record)) == {
        "text": "ü\u0000",
        "named": "x",
        "number": 2**63 - 1,
        "small": 10,
        "below": -4,
        "ratio": 0.1,
        "flag": True,
        "day": date(2024, 2, 29),
        "moment": datetime(2023, 12, 31, 23, 30, tzinfo=UTC),
        "aware": datetime(2024, 1, 1, 0, 30, tzinfo=UTC),
        "choice": "b",
        "color": "red",
        "inner": '{"size":3,"z":1,"a":"é"}',
        "mapping": '{"b":1,"a":2}',
        "items": '[{"size":1}]',
        "pair": '[1,"x"]',
        "anything": '{"k":[1,2.5,null,true,12345678901234567890123]}',
    }


def test_defaults_and_nulls():
    found = row(run(validator("Everything"), {"text": "", "anything": None}))
    assert found["text"] == ""
    assert found["named"] == "x"
    assert [name for name, value in found.items() if value is None] == [
        "below",
        "day",
        "moment",
        "aware",
        "choice",
        "color",
        "inner",
        "pair",
        "anything",
    ]


def test_no_records_give_an_empty_frame_in_the_schema():
    for model in ("Everything", "Record"):
        assert run(validator(model)).frame.height == 0


def test_a_dictionarys_optional_field_may_be_absent_or_null():
    found = run(
        validator("Record"),
        {"id": 1},
        {"id": 2, "name": None},
        {"id": 3, "name": "n"},
        {"name": "n"},
    )
    assert found.frame["name"].to_list() == [None, None, "n"]
    assert found.rejections == [Rejection("o3", "v3", "missing", "id")]
    assert row(run(validator("Partial"), {"id": "x"})) == {"id": "x", "note": None}
    assert reason(run(validator("Partial"), {})) == ("missing", "id")


# -- settings ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("Secret", "field key: no column for <class 'pydantic.types.SecretStr'>"),
        ("Numbers", "field level: no column for <enum 'Level'>"),
        ("Either", "field value: no column for int | str"),
        ("Bytes", "field value: no column for <class 'bytes'>"),
        (
            "TakesSourceKey",
            "field source_key has the name of a column that is added; rename it",
        ),
        ("Root", "root-model-extra"),
        ("Unfinished", "Nowhere"),
        ("BadPattern", "SchemaError"),
    ],
)
def test_a_model_that_cannot_be_used_is_refused_by_name(model, said):
    with pytest.raises(SettingsError) as error:
        validator(model)
    assert str(error.value).startswith(f"validator pydantic: {model}: ")
    assert said in str(error.value)


def test_a_field_called_extra_is_only_in_the_way_where_unknown_fields_are_kept():
    assert row(run(validator("TakesExtra"), {"extra": "x", "y": 1})) == {"extra": "x"}
    with pytest.raises(
        SettingsError, match="TakesExtra: field extra has the name of a column"
    ):
        validator("TakesExtra", "keep")


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("no_colon", "setting model is 'no_colon'; write it as package.module:Model"),
        (":Model", "write it as package.module:Model"),
        ("module:", "write it as package.module:Model"),
        (
            "nowhere_at_all:Model",
            "model nowhere_at_all:Model: ModuleNotFoundError: No module named",
        ),
        (
            "json:Model",
            "model json:Model: module json has no Model; models in it: none",
        ),
        ("json:loads", "model json:loads is not a pydantic model or a TypedDict"),
        (
            "json:JSONDecoder",
            "model json:JSONDecoder is not a pydantic model or a TypedDict",
        ),
        ("..relative:Model", "model ..relative:Model: TypeError"),
    ],
)
def test_a_model_that_is_not_there_is_a_settings_error(path, said):
    with pytest.raises(SettingsError) as error:
        PydanticValidator(PydanticValidator.Settings(model=path))
    assert said in str(error.value)


def test_a_misspelt_model_is_refused_with_the_models_of_its_module(
    tmp_path, monkeypatch
):
    (tmp_path / "models_of_a_shop.py").write_text(
        "from pydantic import BaseModel\n\nclass Order(BaseModel):\n    number: int\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(SettingsError) as error:
        PydanticValidator(PydanticValidator.Settings(model="models_of_a_shop:Ordr"))
    assert str(error.value).endswith(
        ": module models_of_a_shop has no Ordr; did you mean Order?;"
        " models in it: Order"
    )


def test_a_module_that_fails_while_it_is_imported_is_a_settings_error(
    tmp_path, monkeypatch
):
    (tmp_path / "fails_at_import.py").write_text("raise RuntimeError('on purpose')")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(
        SettingsError, match="model fails_at_import:Model: RuntimeError: on purpose"
    ):
        PydanticValidator(PydanticValidator.Settings(model="fails_at_import:Model"))


# -- rejections --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b"", ("empty", None)),
        (b" \r\n\t", ("empty", None)),
        (b"\x0b", ("json_invalid", None)),
        (b"{", ("json_invalid", None)),
        (b"{'id': 1}", ("json_invalid", None)),
        (b'{"id": 1,}', ("json_invalid", None)),
        (b'{"id": 01}', ("json_invalid", None)),
        (b'{"id": 1}{"id": 1}', ("json_invalid", None)),
        (b'{"id": 1} x', ("json_invalid", None)),
        (b'\xef\xbb\xbf{"id": 1}', ("json_invalid", None)),
        ('{"id": 1}'.encode("utf-16"), ("not_utf_8", None)),
        (b'{"id": 1, "name": "\xff"}', ("not_utf_8", None)),
        (b'{"id": 1, "x": "\xff"}', ("not_utf_8", None)),
        (b'{"id": 1, "name": "\\ud800"}', ("json_invalid", None)),
        (b'{"id": 1, "x": "\\ud800"}', ("json_invalid", None)),
        (b'{"id": 1, "\\udc00": 1}', ("json_invalid", None)),
        (b'{"id": 1, "name": "a\nb"}', ("json_invalid", None)),
        (b'{"id": 1, "x": ' + b"[" * 5000 + b"]" * 5000 + b"}", ("json_invalid", None)),
        (b'{"id": ' + b"1" * 5000 + b"}", ("json_invalid", None)),
        (b'{"id": NaN}', ("finite_number", "id")),
        (b'{"id": 1, "x": NaN}', ("json_invalid", None)),
        (b'{"id": 1, "x": [-Infinity]}', ("json_invalid", None)),
        (b'{"id": 1, "x": {"y": Infinity}}', ("json_invalid", None)),
        (b'{"id": 9223372036854775808}', ("out_of_range", "id")),
        (b'{"id": -9223372036854775809}', ("out_of_range", "id")),
        (b'{"id": 1, "id": 1}', ("duplicate_key", "id")),
        (b'{"id": 1, "id" : 2}', ("duplicate_key", "id")),
        (b'{"id"\n:1, "id" :2}', ("duplicate_key", "id")),
        (b'{"id": 1, "i\\u0064": 2}', ("duplicate_key", "id")),
        (b'{"id": 1, "x": 1, "x": 1}', ("duplicate_key", None)),
        (b'{"id": 1, "x": {"id": 1, "id": 1}}', ("duplicate_key", None)),
        (b'{"id": 1, "x": [{"": 1, "": 1}], "name": "n"}', ("duplicate_key", None)),
        (b"[]", ("dict_type", None)),
        (b"null", ("dict_type", None)),
        (b'"id"', ("dict_type", None)),
    ],
)
def test_what_is_not_strict_json_or_not_an_object_is_rejected(payload, expected):
    found = run(validator("Record"), {"id": 1}, payload, {"id": 2})
    assert found.frame["id"].to_list() == [1, 2]
    assert [
        (each.source_key, each.version, each.error_type, each.field)
        for each in found.rejections
    ] == [("o1", "v1", *expected)]


@pytest.mark.parametrize(
    "payload",
    [
        b'{"id" : 1}',
        b'{"id"\n\t\r :1}',
        b'{"id": 1, "name": "a\\":b"}',
        b'{"id": 1, "name": "a :b\\":"}',
        b'{"id": 1, "x": "NaN", "y": "Infinity"}',
        b'{"id": 1, "x": [1.5, {"NaN": null}, {"NaN": null}]}',
        b'{"id": 1, "x": 1e999}',
        b' {"id": 1} ',
        b'{"id": 1, "name": "\\ud83d\\ude00"}',
    ],
)
def test_valid_json_is_not_taken_for_something_else(payload):
    assert not run(validator("Record"), payload).rejections


def test_a_number_beyond_a_double_is_valid_and_kept_as_it_was_written():
    payload = b'{"id": 1, "x": 1e999}'
    assert run(validator("Record"), payload).ignored_fields == {"x": 1}
    assert row(run(validator("Record", "keep"), payload))["extra"] == '{"x":1e999}'


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({}, ("missing", "text")),
        ({"text": 1, "number": "x"}, ("string_type", "text")),
        ({"number": "x", "text": "t", "small": 11}, ("int_parsing", "number")),
        ({"text": "t", "small": 11, "below": 5}, ("less_than_equal", "small")),
        ({"text": "t", "choice": "c"}, ("literal_error", "choice")),
        ({"text": "t", "color": "green"}, ("enum", "color")),
        ({"text": "t", "aware": "2024-01-01T00:00:00"}, ("timezone_aware", "aware")),
        ({"text": "t", "inner": {}}, ("missing", "inner.size")),
        ({"text": "t", "inner": {"Size": "x"}}, ("int_parsing", "inner.size")),
        (
            {"text": "t", "items": [{"Size": 1}, {"Size": []}]},
            ("int_type", "items.size"),
        ),
        ({"text": "t", "mapping": {"secret": "x"}}, ("int_parsing", "mapping")),
        ({"text": "t", "pair": [1, 2]}, ("string_type", "pair")),
        (
            {"text": "t", "moment": "0001-01-01T00:00:00+01:00"},
            ("out_of_range", "moment"),
        ),
        (
            {"text": "t", "moment": "9999-12-31T23:59:59-01:00"},
            ("out_of_range", "moment"),
        ),
        (
            {"text": "t", "number": 2**63, "moment": "0001-01-01T00:00:00+01:00"},
            ("out_of_range", "number"),
        ),
        ({"text": "t", "anything": [float("nan")]}, ("json_invalid", None)),
    ],
)
def test_the_first_error_in_the_order_of_the_fields_is_told(record, expected):
    assert reason(run(validator("Everything"), record)) == expected


def test_rows_that_no_column_can_hold_are_rejected_one_by_one():
    numbers = [1, 2**63, 2, -(2**63) - 1, 2**70, 3]
    found = run(validator("Record"), *({"id": number} for number in numbers))
    assert found.frame["id"].to_list() == [1, 2, 3]
    assert [
        (each.source_key, each.error_type, each.field) for each in found.rejections
    ] == [
        ("o1", "out_of_range", "id"),
        ("o3", "out_of_range", "id"),
        ("o4", "out_of_range", "id"),
    ]


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"ID": 1, "inner": {}}, ("missing", "inner.size")),
        ({"ID": 1, "inner": {"Size": "x"}}, ("int_parsing", "inner.size")),
        ({"ID": 1, "inners": [{"Size": 1}, {}]}, ("missing", "inners.size")),
        ({"ID": 1, "by_key": {"size": {}}}, ("missing", "by_key")),
        ({}, ("missing", "id")),
        ({"id": 1}, ("missing", "id")),
        ({"ID": "x"}, ("int_parsing", "id")),
        ({"ID": 1, "given": 1}, ("string_type", "first")),
        ({"ID": 1, "names": [1]}, ("string_type", "first")),
    ],
)
def test_a_field_is_told_by_its_name_whatever_its_key(record, expected):
    assert reason(run(validator("Renamed"), record)) == expected


def test_columns_are_called_by_the_fields_names_whatever_their_keys():
    found = row(run(validator("Renamed"), {"ID": 1, "names": ["n"]}))
    assert (found["id"], found["first"]) == (1, "n")
    assert row(run(validator("RenamedRecord"), {"ID": 1})) == {"id": 1}
    assert reason(run(validator("RenamedRecord"), {"ID": "x"})) == ("int_parsing", "id")
    assert row(run(validator("Shouting"), {"ID": 1})) == {"id": 1}
    assert reason(run(validator("Shouting"), {})) == ("missing", "id")


def test_an_unknown_field_does_not_take_the_place_of_one_with_another_key():
    found = run(validator("Renamed", "keep"), {"ID": 1, "id": "unknown"})
    assert found.frame.select("id", "extra").rows() == [(1, '{"id":"unknown"}')]
    assert run(validator("RenamedRecord"), {"ID": 1, "id": "unknown"}).frame[
        "id"
    ].to_list() == [1]


def test_a_model_that_holds_itself():
    assert (
        row(run(validator("Node"), {"value": 1, "next": {"value": 2}}))["next"]
        == '{"value":2,"next":null}'
    )
    assert reason(
        run(validator("Node"), {"value": 1, "next": {"value": 2, "next": {}}})
    ) == (
        "missing",
        "next.next.value",
    )


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"low": 13}, ("validator_error", None)),
        ({"low": 14}, ("value_error", "low")),
        ({"low": 3, "high": 2}, ("not_ordered", "low")),
        ({"low": 99}, ("odd", None)),
    ],
)
def test_functions_of_the_models_own(record, expected):
    found = run(validator("Ruled"), record)
    assert reason(found) == expected
    assert "1" not in repr(found.rejections).replace("o0", "").replace("v0", "")


def test_lack_of_memory_is_not_the_records_fault():
    with pytest.raises(MemoryError):
        validator("Ruled").validate(batch({"low": 15}))


def test_a_value_of_another_type_than_its_field_is_rejected():
    found = run(
        validator("Strange"),
        {"day": "1999-01-01", "text": "t"},
        {"day": "2024-01-01", "text": "seven"},
        {"day": "2024-01-01", "text": "t"},
    )
    assert found.frame["source_key"].to_list() == ["o2"]
    assert [(each.error_type, each.field) for each in reasons(found)] == [
        ("out_of_range", "day"),
        ("out_of_range", "text"),
    ]


def test_a_duplicate_is_found_although_a_function_adds_fields():
    checker = validator("Adding")
    assert row(run(checker, {"id": 1})) == {"id": 1, "made": 1}
    assert reason(run(checker, b'{"id": 1, "id": 1}')) == ("duplicate_key", "id")


def test_an_error_that_no_value_is_to_blame_for_is_not_hidden():
    def fails_once(value):
        if not failed:
            failed.append(value)
            raise RuntimeError("only the first time")
        return value

    failed: list[str] = []
    checker = PydanticValidator(
        PydanticValidator.Settings(model="tests.framework.builtin.sample_models:Strict")
    )
    checker._columns = {"id": Column(pl.String(), fails_once)}
    with pytest.raises(RuntimeError, match="only the first time"):
        checker.validate(batch({"id": "x"}))


def test_lack_of_memory_says_nothing_of_whether_a_value_fits():
    def exhausted(_value):
        raise MemoryError

    with pytest.raises(MemoryError):
        Column(pl.String(), exhausted).fits("x")


def test_a_duplicate_is_found_although_one_key_fills_two_fields():
    checker = validator("Twofold")
    assert row(run(checker, {"names": ["a", "b"]})) == {"first": "a", "second": "b"}
    assert reason(run(checker, b'{"names": ["a", "b"], "x": 1, "x": 2}')) == (
        "duplicate_key",
        None,
    )
    assert (
        reason(run(checker, b'{"names": ["a", "b"], "names": ["a", "b"]}'))[0]
        == "duplicate_key"
    )


# -- unknown fields ----------------------------------------------------------------------------------------------------

UNKNOWN = {
    "id": 1,
    "naccid": "x",
    "b": None,
    "a b": 1,
    "": 1,
    "1a": 1,
    "n" * 65: 1,
    "é": 1,
    "a\n": 1,
}


@pytest.mark.parametrize("model", ["Record", "Renamed"])
def test_unknown_fields_are_left_out_and_counted_by_plain_names(model):
    key = "ID" if model == "Renamed" else "id"
    records = [
        {key if name == "id" else name: value for name, value in UNKNOWN.items()},
        {key: 2, "naccid": 1},
    ]
    found = run(validator(model), *records)
    assert found.frame["id"].to_list() == [1, 2]
    assert found.ignored_fields == {"naccid": 2, "b": 1, OTHER: 6}


def test_only_so_many_names_are_counted_apart_and_the_most_frequent_first():
    records = [
        {"id": 1, "frequent": 1, **{f"rare{n}": 1 for n in range(NAMES_KEPT + 5)}},
        {"id": 1, "frequent": 2},
    ]
    ignored = run(validator("Record"), *records).ignored_fields
    assert ignored["frequent"] == 2
    assert len(ignored) == NAMES_KEPT + 1
    assert ignored[OTHER] == 6


@pytest.mark.parametrize("model", ["Record", "Strict"])
def test_unknown_fields_reject_the_record_if_so_set(model):
    found = run(
        validator(model, "reject"), {"id": 1 if model == "Record" else "1", "secret": 1}
    )
    assert reason(found) == ("extra_forbidden", None)
    assert found.ignored_fields == {}


def test_an_error_in_a_field_comes_before_one_of_an_unknown_field():
    assert reason(run(validator("Record", "reject"), {"a": 1, "id": None})) == (
        "int_type",
        "id",
    )


def test_what_the_models_own_configuration_says_of_unknown_fields_does_not_count():
    found = run(validator("Strict"), {"id": " x ", "y": 1})
    assert found.frame["id"].to_list() == ["x"]  # the rest of its configuration does
    assert found.ignored_fields == {"y": 1}


@pytest.mark.parametrize("model", ["Record", "Renamed"])
def test_unknown_fields_are_kept_as_json_if_so_set_their_names_sorted(model):
    key = "ID" if model == "Renamed" else "id"
    payloads = [
        b'{"%s": 1}' % key.encode(),
        b'{"z": 123456789012345678901234567890, "%s": 2, "a": {"d": "\\u00e9", "c": [1.5, true]}}'
        % key.encode(),
        b'{"%s": 3, "extra": null}' % key.encode(),
    ]
    found = run(validator(model, "keep"), *payloads)
    assert found.frame["extra"].to_list() == [
        None,
        '{"a":{"d":"é","c":[1.5,true]},"z":123456789012345678901234567890}',
        '{"extra":null}',
    ]
    assert found.ignored_fields == {}


# -- a validator of one's own ------------------------------------------------------------------------------------------


class Sized(TypedDict):
    """Something with a width."""

    width: int
    height: int
    unit: str


class SizedValidator(ModelValidator):
    """A rule that fails on purpose, and a field without a column."""

    name = "sized"
    model = Sized
    excluded_fields = frozenset({"unit"})

    def check_record(self, record):
        if record["width"] < 0:
            raise KeyError(record["width"])
        return {**record, "width": record["width"] * 2}


def test_a_validator_of_ones_own():
    given = [
        {"width": 1, "height": 2, "unit": "m", "x": 1},
        {"width": -1, "height": 0, "unit": "m"},
    ]
    ignoring = run(made(SizedValidator), *given)
    assert ignoring.frame.rows() == [(2, 2, "o0")]
    assert ignoring.rejections == [Rejection("o1", "v1", "validator_error")]
    assert ignoring.ignored_fields == {"x": 1}
    keeping = run(made(SizedValidator, "keep"), given[0])
    assert keeping.frame.rows() == [(2, 2, '{"unit":"m","x":1}', "o0")]


def test_a_model_that_pydantic_cannot_use_is_refused_with_the_validators_own_name():
    class Broken(ModelValidator):
        name = "broken"
        model = object

    with pytest.raises(SettingsError, match="validator broken: object: AttributeError"):
        Broken(ModelValidatorSettings())


class Padded(BaseModel):
    """Makes members that are not in the payload."""

    id: str
    more: Json[dict[str, int]] | None = None
    given: dict[str, int] = {"a": 1}


class PaddedRecord(TypedDict):
    """The same, by a default."""

    id: str
    n: NotRequired[Annotated[int, Field(default=5)]]


@pytest.mark.parametrize(
    ("model", "payload"),
    [
        (Padded, b'{"id":"1","id":"2","more":"{\\u0022a\\u0022:1}"}'),
        (Padded, b'{"id":"1","id":"2"}'),
        (PaddedRecord, b'{"id":"1","id":"2"}'),
    ],
)
def test_what_a_model_adds_hides_no_repeated_key(model, payload):
    kind = type("Own", (ModelValidator,), {"name": "own", "model": model})
    [rejection] = run(made(kind), payload).rejections
    assert rejection.error_type == "duplicate_key"


class Kept(TypedDict):
    """A record with a field of anything."""

    id: int
    nested: NotRequired[dict[str, Any] | None]


class Verbatim(ModelValidator):
    """Keeps the field as it came."""

    name = "verbatim"
    model = Kept
    raw_json_fields = frozenset({"nested"})


@pytest.mark.parametrize(
    "text",
    [
        '{ "b":1.00 ,\n "a" : [1e999, 1e5], "b": {"c":1, "c":2}}',
        "{}",
        '{"\\u0061":"\\u00e9 \\"}\\""}',
    ],
)
def test_a_verbatim_field_keeps_the_text_that_it_came_with(text):
    for payload in (
        f'{{"id":1,"nested":{text}}}',
        f' {{ "nested"\n: {text} , "id" : 1 }} ',
    ):
        assert row(run(made(Verbatim), payload.encode())) == {"id": 1, "nested": text}


def test_a_verbatim_field_may_be_null_or_absent():
    found = run(made(Verbatim), {"id": 1, "nested": None}, {"id": 2})
    assert found.frame["nested"].to_list() == [None, None]


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b'{"id":1,"nested":{},"nested":{"a":1}}', ("duplicate_key", "nested")),
        (b'{"id":1,"nested":{"a":1,"a":1},"x":{"a":1,"a":1}}', ("duplicate_key", None)),
        (b'{"id":1,"nested":{"a":NaN}}', ("json_invalid", None)),
        (b'{"id":1,"nested":[]}', ("dict_type", "nested")),
    ],
)
def test_what_is_wrong_beside_a_verbatim_field(payload, expected):
    assert reason(run(made(Verbatim), payload)) == expected


def test_a_verbatim_field_has_no_alias():
    class Renamed(BaseModel):
        nested: dict[str, Any] = Field(alias="n")

    class Wrong(Verbatim):
        model = Renamed

    with pytest.raises(
        SettingsError, match="field nested is kept verbatim and has an alias"
    ):
        made(Wrong)


def test_what_is_had_quickly_stands_among_what_the_model_makes():
    class Quick(Verbatim):
        def parse_fast(self, payloads):
            at = [at for at, payload in enumerate(payloads) if payload == b"7"]
            rows = [{"id": 7, "nested": None}] * len(at)
            columns = {"id": pl.Int64, "nested": pl.String}
            return pl.DataFrame(rows, columns), pl.Series(at, dtype=pl.UInt32)

    found = run(made(Quick), b"7", {"id": 1}, b"x", b"7")
    assert found.frame["id"].to_list() == [7, 1, 7]
    assert [each.source_key for each in found.rejections] == ["o2"]


def test_where_a_rule_fails_by_a_defect_of_its_own_is_told_once_and_without_a_value(
    caplog,
):
    class Careless(Verbatim):
        def check_record(self, record):
            return {}[f"secret-{record['id']}"]

    found = run(made(Careless), {"id": 1}, {"id": 2})
    assert {(each.error_type, each.field) for each in found.rejections} == {
        ("validator_error", None)
    }
    [told] = caplog.messages
    assert told.startswith(f"KeyError raised at {__file__}:")
    assert told.endswith("such records are rejected as validator_error")
    assert "secret" not in caplog.text
