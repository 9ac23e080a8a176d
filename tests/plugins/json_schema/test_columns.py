"""Which column a property has, by what the document says of it."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from tests.plugins.json_schema.checking import kept, made, reasons, validated

MOMENT = pl.Datetime("us", "UTC")
DEFINITIONS = {
    "day": {"type": "string", "format": "date"},
    "self": {"$ref": "#/$defs/self"},
    "list": {"type": "object", "properties": {"next": {"$ref": "#/$defs/list"}}},
}


def facts(folder, schema, **settings):
    """The column of a property, and what is said of it."""
    document = {"type": "object", "properties": {"x": schema}, "$defs": DEFINITIONS}
    validator = made(folder, document, **settings)
    return validator.schema["x"], validator.column_facts()["x"]


@pytest.mark.parametrize(
    ("schema", "dtype"),
    [
        ({"type": "string"}, pl.String()),
        ({"type": ["null", "string"]}, pl.String()),
        ({"type": "string", "format": "date"}, pl.Date()),
        ({"type": "string", "format": "date-time"}, MOMENT),
        ({"type": "string", "format": "time"}, pl.String()),
        ({"type": ["string", "null"], "format": "date-time"}, MOMENT),
        ({"format": "date"}, pl.String()),
        ({"type": "boolean"}, pl.Boolean()),
        ({"type": "integer"}, pl.Int64()),
        ({"type": "integer", "minimum": 0}, pl.Int64()),
        ({"type": "integer", "minimum": 0, "maximum": 2**31}, pl.Int64()),
        ({"type": "integer", "minimum": 0, "maximum": 2**31 - 1}, pl.Int32()),
        ({"type": "integer", "exclusiveMinimum": -9, "exclusiveMaximum": 9}, pl.Int32()),
        ({"type": "number"}, pl.Float64()),
        ({"type": ["integer", "number", "null"]}, pl.Float64()),
        ({"type": "null"}, pl.String()),
        ({"type": "object"}, pl.String()),
        ({"type": "array"}, pl.String()),
        ({"type": ["string", "integer"]}, pl.String()),
        ({}, pl.String()),
        (True, pl.String()),
        (False, pl.String()),
        ({"enum": ["a", "b", None]}, pl.String()),
        ({"enum": [1, 2]}, pl.Int64()),
        ({"enum": [1, 2.5]}, pl.Float64()),
        ({"enum": [1.0]}, pl.Float64()),
        ({"enum": [True, None]}, pl.Boolean()),
        ({"enum": ["a", 1]}, pl.String()),
        ({"const": 7}, pl.Int64()),
        ({"$ref": "#/$defs/day"}, pl.Date()),
        ({"$ref": "#/$defs/day", "type": ["string", "null"]}, pl.Date()),
        ({"$ref": "#/$defs/self"}, pl.String()),
        ({"$ref": "#/$defs/list"}, pl.String()),
        ({"anyOf": [{"$ref": "#/$defs/day"}, {"type": "null"}]}, pl.Date()),
        ({"oneOf": [{"type": "integer"}, {"type": "number"}]}, pl.Float64()),
        ({"oneOf": [{"type": "integer"}, {"type": "string"}]}, pl.String()),
        ({"anyOf": [{"$ref": "#/$defs/day"}, {"type": "string"}]}, pl.String()),
        ({"allOf": [{"type": ["string", "integer"]}, {"type": ["integer", "null"]}]}, pl.Int64()),
        ({"allOf": [{"type": "integer"}, {"minimum": 1, "maximum": 5}]}, pl.Int32()),
        ({"type": "string", "if": {"const": "x"}, "then": {"format": "date"}}, pl.String()),
    ],
)  # fmt: skip
def test_the_type_of_a_column(tmp_path, schema, dtype):
    assert facts(tmp_path, schema)[0] == dtype


def test_without_formats_days_and_times_are_texts(tmp_path):
    for form in ("date", "date-time"):
        schema = {"type": "string", "format": form}
        assert facts(tmp_path, schema, formats=False)[0] == pl.String()


def test_what_is_known_of_a_column(tmp_path):
    document = {
        "required": ["a", "b"],
        "properties": {
            "a": {"type": "string", "description": "The\n  first"},
            "b": {"enum": ["x", None, "y"]},
            "c": {"type": "integer"},
            "d": {"enum": ["x", 1]},
        },
    }
    facts = made(tmp_path, document).column_facts()
    assert facts == {
        "a": ("The first", False, []),
        "b": ("", True, ["x", "y"]),
        "c": ("", True, []),
        "d": ("", True, []),
    }


def test_the_order_is_that_of_the_document(tmp_path):
    document = {
        "properties": {"z": {"type": "integer"}, "a": {}},
        "allOf": [{"properties": {"m": {}, "z": {"minimum": 0, "maximum": 5}}}],
        "oneOf": [{"properties": {"k": {"type": "integer"}}}, {"properties": {"j": {}}}],
    }  # fmt: skip
    validator = made(tmp_path, document)
    assert validator.schema.names() == ["z", "a", "m", "k", "j", "source_key"]
    assert validator.schema["z"] == pl.Int32()


def test_a_value_of_an_alternative_that_is_of_another_type_is_rejected(tmp_path):
    document = {
        "properties": {"kind": {"type": "string"}},
        "anyOf": [
            {"properties": {"kind": {"const": "n"}, "value": {"type": "integer"}}},
            {"properties": {"kind": {"const": "t"}}},
        ],
    }
    validator = made(tmp_path, document)
    assert validator.schema["value"] == pl.Int64()
    result = validated(validator, {"kind": "n", "value": 1}, {"kind": "t"}, {"kind": "t", "value": "x"})  # fmt: skip
    assert result.frame.rows() == [("n", 1, "0"), ("t", None, "1")]
    assert reasons(result) == [("2", "out_of_range", "value")]


def test_in_an_old_draft_a_reference_stands_alone(tmp_path):
    for draft, dtype in {"draft-07": pl.Int64(), "draft/2020-12": pl.Int32()}.items():
        document = {
            "$schema": f"https://json-schema.org/{draft}/schema",
            "definitions": {"n": {"type": "integer"}},
            "properties": {"x": {"$ref": "#/definitions/n", "minimum": 0, "maximum": 9}},
        }  # fmt: skip
        if draft == "draft-07":
            document["$schema"] = "http://json-schema.org/draft-07/schema#"
        validator = made(tmp_path, document)
        assert validator.schema["x"] == dtype
        result = validated(validator, {"x": 10})
        assert kept(result) == (["0"] if draft == "draft-07" else [])


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-30T08:00:00Z", datetime(2026, 11, 30, 8, tzinfo=UTC)),
        ("2026-11-30t08:00:00z", datetime(2026, 11, 30, 8, tzinfo=UTC)),
        ("2026-11-30T08:00:00.123456789+01:30", datetime(2026, 11, 30, 6, 30, 0, 123456, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", datetime(1, 1, 1, tzinfo=UTC)),
        ("0001-01-01T00:00:00+01:00", None),
        ("9999-12-31T23:59:59-01:00", None),
        ("2016-12-31T23:59:60Z", datetime(2017, 1, 1, tzinfo=UTC)),
    ],
)  # fmt: skip
def test_a_time_is_in_utc_or_its_record_is_rejected(tmp_path, text, moment):
    document = {"properties": {"at": {"type": "string", "format": "date-time"}}}
    result = validated(
        made(tmp_path, document), {"at": "2026-01-01T00:00:00Z"}, {"at": text}
    )
    if moment is None:
        assert reasons(result) == [("1", "out_of_range", "at")]
    else:
        assert result.frame["at"].to_list()[1] == moment


def test_values_are_those_of_the_record(tmp_path):
    document = {
        "properties": {
            "whole": {"type": "integer"},
            "number": {"type": "number"},
            "day": {"type": "string", "format": "date"},
            "nested": {"type": "object"},
            "any": True,
        }
    }
    records = [
        {"whole": 2**63 - 1, "number": 1, "day": "2024-02-29", "nested": {"b": [1, None], "a": "é"}, "any": "x"},
        {"whole": 3.0, "number": 0.1, "any": 9 * 10**30},
        {"any": None},
        {"whole": 2**63},
        {"number": 10**400},
    ]  # fmt: skip
    result = validated(made(tmp_path, document), *records)
    assert result.frame.rows() == [
        (2**63 - 1, 1.0, date(2024, 2, 29), '{"b":[1,null],"a":"é"}', '"x"', "0"),
        (3, 0.1, None, None, str(9 * 10**30), "1"),
        (None, None, None, None, None, "2"),
    ]
    assert reasons(result) == [("3", "out_of_range", "whole"), ("4", "out_of_range", "number")]  # fmt: skip
