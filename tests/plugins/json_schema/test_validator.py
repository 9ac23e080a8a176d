"""Reasons for rejection, unknown fields, and the same verdict as the library alone."""

import json
import logging
import re
import time

import jsonschema_rs
import pytest
from hypothesis import assume
from hypothesis import strategies as st

from tests.plugins.json_schema.checking import kept, made, reasons, validated
from tests.plugins.json_schema.made import Made
from tests.support.properties import given_more

SECRET = "secret-5d1f"

DOCUMENT = {
    "type": "object",
    "required": ["id", "name"],
    "properties": {
        "name": {"type": "string", "minLength": 2},
        "id": {"type": "integer", "multipleOf": 2},
        "tags": {"type": "array", "uniqueItems": True, "items": {"type": "string"}},
        "place": {
            "type": "object",
            "required": ["city"],
            "additionalProperties": False,
            "properties": {"city": {"type": "string"}, "geo": {"properties": {"lat": {"maximum": 90}}}},
        },
        "lines": {"type": "array", "items": {"properties": {"sku": {"pattern": "^[A-Z]+$"}}}},
        "pair": {"prefixItems": [{"properties": {"left": {"const": 1}}}, {"properties": {"right": {"const": 2}}}]},
        "free": {"additionalProperties": {"type": "integer"}, "propertyNames": {"maxLength": 20}},
        "kind": {"enum": ["a", "b"]},
        "when": {"oneOf": [{"type": "string"}, {"const": "x"}]},
    },
    "dependentRequired": {"kind": ["tags"]},
    "patternProperties": {"^x-": {"type": "integer"}},
    "not": {"required": ["forbidden"]},
}  # fmt: skip

GOOD = {"id": 2, "name": "ab"}


@pytest.mark.parametrize(
    ("change", "error_type", "field"),
    [
        ({"name": "a"}, "minLength", "name"),
        ({"name": 1, "id": "x"}, "type", "name"),
        ({"id": 3}, "multipleOf", "id"),
        ({"id": 1, "tags": [1]}, "multipleOf", "id"),
        ({"tags": ["a", "a"]}, "uniqueItems", "tags"),
        ({"tags": ["a", 1]}, "type", "tags"),
        ({"place": {}}, "required", "place.city"),
        ({"place": {"city": "x", SECRET: 1}}, "additionalProperties", "place"),
        ({"place": {"city": "x", "geo": {"lat": 91}}}, "maximum", "place.geo.lat"),
        ({"lines": [{"sku": "A"}, {"sku": SECRET}]}, "pattern", "lines.sku"),
        ({"pair": [{"left": 1}, {"right": 1}]}, "const", "pair.right"),
        ({"free": {SECRET: "x"}}, "type", "free"),
        ({"free": {SECRET * 3: 1}}, "propertyNames", "free"),
        ({"kind": SECRET, "tags": []}, "enum", "kind"),
        ({"kind": "a"}, "required", "tags"),
        ({"when": 1}, "oneOf", "when"),
        ({"when": "x"}, "oneOf", "when"),
        ({f"x-{SECRET}": SECRET}, "type", None),
        ({"forbidden": SECRET}, "not", None),
    ],
)
def test_a_rejection_says_keyword_and_declared_path(tmp_path, change, error_type, field):  # fmt: skip
    result = validated(made(tmp_path, DOCUMENT), GOOD, {**GOOD, **change})
    assert reasons(result) == [("1", error_type, field)]
    assert SECRET not in repr(result)


def test_of_several_errors_the_first_in_the_order_of_properties_is_said(tmp_path):
    checked = made(tmp_path, DOCUMENT)
    result = validated(checked, {"forbidden": 1, "kind": "c", "id": 1}, {"id": 1, "forbidden": 1})  # fmt: skip
    assert reasons(result) == [("0", "required", "name"), ("1", "required", "name")]


def test_a_huge_number_of_errors_is_not_looked_at_as_a_whole(tmp_path):
    checked = made(tmp_path, DOCUMENT)
    began = time.process_time()
    result = validated(checked, {**GOOD, "tags": [1] * 100_000})
    assert reasons(result) == [("0", "uniqueItems", "tags")]
    assert time.process_time() - began < 0.5, "each of its errors would take 10 us"


def test_unknown_fields_are_counted_rejected_or_kept(tmp_path):
    record = {**GOOD, "x-a": 2**70, "b": {"c": 1.10}, "odd name": 1}
    result = validated(made(tmp_path, DOCUMENT), record, GOOD)
    assert result.ignored_fields == {"b": 1, "(other)": 2}
    result = validated(made(tmp_path, DOCUMENT, extra="reject"), record, GOOD)
    assert reasons(result) == [("0", "additionalProperties", None)]
    payload = json.dumps(record).replace("1.1", "1.10").encode()
    result = validated(made(tmp_path, DOCUMENT, extra="keep"), payload, GOOD)
    assert result.frame["extra"].to_list() == [
        f'{{"b":{{"c":1.10}},"odd name":1,"x-a":{2**70}}}',
        None,
    ]


def test_a_document_that_forbids_unknown_fields(tmp_path):
    document = {"properties": {"a": True}, "additionalProperties": False}
    result = validated(made(tmp_path, document), {"a": 1}, {"a": 1, SECRET: 1})
    assert reasons(result) == [("1", "additionalProperties", None)]


def test_a_record_that_is_no_object_is_rejected(tmp_path):
    checked = made(tmp_path, {"properties": {"a": True}})
    result = validated(checked, {"a": 1}, [1], "x", None, 1)
    assert reasons(result) == [(key, "type", None) for key in ("1", "2", "3", "4")]


def test_formats_are_checked_unless_set_otherwise(tmp_path):
    document = {"properties": {"a": {"type": "string", "format": "email"}}}
    records = {"a": "someone@example.com"}, {"a": "no one"}
    result = validated(made(tmp_path, document), *records)
    assert reasons(result) == [("1", "format", "a")]
    assert kept(validated(made(tmp_path, document, formats=False), *records)) == ["0", "1"]  # fmt: skip


def test_a_pattern_that_takes_too_long_rejects_the_record(tmp_path):
    document = {"properties": {"a": {"type": "string", "pattern": r"^(a|a)*\1?b$"}}}
    result = validated(made(tmp_path, document), {"a": "a" * 60}, {"a": "aab"})
    assert reasons(result) == [("0", "pattern", "a")]


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", ("empty", None)),
        (b" \n", ("empty", None)),
        (b"{", ("json_invalid", None)),
        (b'{"id": 2, "name": "ab"} x', ("json_invalid", None)),
        (b"\xef\xbb\xbf{}", ("json_invalid", None)),
        (b'{"name": "\xff"}', ("not_utf_8", None)),
        (b'{"name": "\\ud800", "id": 2}', ("json_invalid", None)),
        (b'{"name": "ab", "id": NaN}', ("json_invalid", None)),
        (b'{"name": "ab", "id": 2, "name": "ab"}', ("duplicate_key", "name")),
        (b'{"name": "ab", "id": 2, "free": {"a": 1, "a": 1}}', ("duplicate_key", None)),
        (b'{"name": "ab", "id": 2, "%s": 1, "%s": 1}' % ((SECRET.encode(),) * 2), ("duplicate_key", None)),
        (b'{"name": "ab", "id": 1e999}', ("type", "id")),
        (b"[" * 1000, ("json_invalid", None)),
    ],
)  # fmt: skip
def test_json_is_strict(tmp_path, payload, reason):
    result = validated(made(tmp_path, DOCUMENT), payload, GOOD)
    assert reasons(result) == [("0", *reason)]


def test_a_defect_is_logged_once_and_its_record_rejected(tmp_path, caplog):
    """An error of the library that is no verdict: here, a broken validator in its place."""
    checked = made(tmp_path, DOCUMENT)
    checked._schema.is_valid = lambda record: 1 / 0
    with caplog.at_level(logging.WARNING):
        result = validated(checked, GOOD, GOOD)
    assert reasons(result) == [("0", "validator_error", None), ("1", "validator_error", None)]  # fmt: skip
    assert len(caplog.messages) == 1
    assert "ZeroDivisionError" in caplog.messages[0]


@given_more(5_000, st.integers(0, 2**64))
def test_the_verdict_is_that_of_the_library_alone(seed):
    """Any document, any records: what is valid is a row with the same values, unless its column cannot hold it."""
    document, records = Made(seed).document(), Made(seed + 1).records()
    try:
        alone = jsonschema_rs.validator_for(document, validate_formats=True)
    except ValueError:
        assume(False)
    checked = of_document(document)
    assume(checked is not None)
    result = validated(checked, *records)
    said = dict.fromkeys(kept(result), (None, None))
    said |= {key: reason for key, *reason in reasons(result)}
    rows = {row["source_key"]: row for row in result.frame.iter_rows(named=True)}
    for number, record in enumerate(records):
        verdict, field = said[str(number)]
        if not alone.is_valid(record) or not isinstance(record, dict):
            assert verdict is not None
            assert verdict != "validator_error"
        elif verdict is not None:
            assert verdict == "out_of_range"
            assert field not in document["properties"], (
                "only what an alternative alone declares may be of another type"
            )
        else:
            for name in checked._names:
                assert same(rows[str(number)][name], record.get(name)), name


def of_document(document):
    """The validator of a document, or `None` if it declares no table."""
    import tempfile
    from pathlib import Path

    from reporting_framework import SettingsError

    with tempfile.TemporaryDirectory() as folder:
        try:
            return made(Path(folder), document)
        except SettingsError as error:
            if re.search(
                "no record of it is an object|declares no properties", str(error)
            ):
                return None
            raise


def same(value, written):
    """True if a value of a row is that of the record."""
    if hasattr(value, "isoformat"):
        text = value.isoformat().replace("+00:00", "Z")
        return text == written or written.endswith("+01:00")
    if isinstance(value, str) and value != written:
        return json.loads(value) == written
    return value == written and isinstance(value, bool) == isinstance(written, bool)
