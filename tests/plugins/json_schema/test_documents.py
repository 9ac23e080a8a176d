"""Documents: where they are, what they refer to, and which are refused."""

import json
import sys

import polars as pl
import pytest

from reporting_framework import SettingsError
from reporting_framework.storage import open_store
from reporting_json_schema.validator import JsonSchemaValidator
from tests.plugins.json_schema.checking import kept, made, reasons, validated

ITEM = {"$defs": {"sku": {"type": "string", "pattern": "^[A-Z]+$"}}}
ORDER = {"properties": {"sku": {"$ref": "item.json#/$defs/sku"}}}


def validator(schema, **settings):
    return JsonSchemaValidator(JsonSchemaValidator.Settings(schema=schema, **settings))


def holds(checked):
    """True if the pattern of the other document is applied, and gives the field."""
    result = validated(checked, {"sku": "ABC"}, {"sku": "abc"})
    assert kept(result) == ["0"]
    assert reasons(result) == [("1", "pattern", "sku")]


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"$id": "https://example.com/schemas/order.json"},
        {"$id": "https://example.com/schemas/order.json", "properties": {"sku": {"$ref": "https://example.com/schemas/item.json#/$defs/sku"}}},
        {"properties": {"sku": {"$ref": "./item.json#/%24defs/sku"}}},
        {"properties": {"sku": {"$ref": "more/../item.json#/$defs/sku"}}},
        {"properties": {"sku": {"$ref": "more/sku.json"}}},
    ],
)  # fmt: skip
def test_a_reference_leads_to_a_document_of_the_folder(tmp_path, change):
    (tmp_path / "more").mkdir()
    (tmp_path / "item.json").write_text(json.dumps(ITEM))
    (tmp_path / "more" / "sku.json").write_text('{"$ref": "../item.json#/$defs/sku"}')
    holds(made(tmp_path, {**ORDER, **change}))


@pytest.mark.parametrize(
    ("reference", "definition"),
    [
        ("https://example.com/sku", {"$id": "https://example.com/sku", "$ref": "#/$defs/x", "$defs": {"x": ITEM["$defs"]["sku"]}}),
        ("#sku", {"$anchor": "sku", **ITEM["$defs"]["sku"]}),
        ("https://example.com/sku#own", {"$id": "https://example.com/sku", "$defs": {"x": {"$anchor": "own", **ITEM["$defs"]["sku"]}}}),
        ("#/$defs/sku/$defs/x", {"$id": "https://example.com/sku", "$defs": {"x": {"$ref": "#/$defs/y"}, "y": ITEM["$defs"]["sku"]}}),
    ],
)  # fmt: skip
def test_a_reference_to_an_id_or_an_anchor_within_the_document(tmp_path, reference, definition):  # fmt: skip
    document = {
        "properties": {"sku": {"$ref": reference}, "day": {"const": {"$id": "x"}}},
        "$defs": {"sku": definition},
    }
    checked = made(tmp_path, document)
    holds(checked)
    number = json.dumps(document).replace("string", "integer")
    document = json.loads(number.replace('"pattern": "^[A-Z]+$"', '"minimum": 0'))
    assert made(tmp_path, document).schema["sku"] == pl.Int64()


def test_a_reference_to_a_schema_that_the_library_brings(tmp_path):
    draft = "https://json-schema.org/draft/2020-12/schema"
    checked = made(tmp_path, {"properties": {"schema": {"$ref": draft}}})
    result = validated(checked, {"schema": {"type": "string"}}, {"schema": {"type": 1}})
    assert kept(result) == ["0"]
    assert reasons(result) == [("1", "anyOf", "schema")]


@pytest.mark.parametrize(
    ("reference", "shown"),
    [
        ("https://example.com/item.json", "https://example.com/item.json"),
        ("../item.json", "item.json"),
        ("/etc/item.json", "etc/item.json"),
        ("file:///etc/passwd", "file:///etc/passwd"),
        ("more%2F..%2F..%2Fitem.json", "more%2F..%2F..%2Fitem.json"),
    ],
)
def test_a_reference_to_elsewhere_is_refused(tmp_path, reference, shown):
    (tmp_path / "schemas").mkdir()
    (tmp_path / "item.json").write_text("{}")
    with pytest.raises(SettingsError) as error:
        made(tmp_path / "schemas", {"properties": {"a": {"$ref": reference}}})
    assert str(error.value) == (
        f"validator json-schema: schema record.json: it refers to {shown}, which is"
        " not in its folder and is not fetched; put the document beside it"
    )


def test_a_reference_deep_in_a_document_is_refused_too(tmp_path):
    document = {
        "properties": {"a": {"not": {"$ref": "https://example.com/x.json"}}},
    }
    with pytest.raises(SettingsError, match="refers to https://example.com/x.json"):
        made(tmp_path, document)


def test_a_document_of_a_package(tmp_path, monkeypatch):
    package = tmp_path / "shop_of_test"
    (package / "schemas").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "schemas" / "item.json").write_text(json.dumps(ITEM))
    (package / "schemas" / "order.json").write_text(json.dumps(ORDER))
    monkeypatch.syspath_prepend(str(tmp_path))
    try:
        holds(validator("shop_of_test:schemas/order.json"))
        with pytest.raises(SettingsError, match="shop_of_test:schemas/no.json: FileNotFoundError; add the file"):  # fmt: skip
            validator("shop_of_test:schemas/no.json")
    finally:
        sys.modules.pop("shop_of_test", None)
    with pytest.raises(SettingsError, match="schema no_such_package:a.json: ModuleNotFoundError: .*; install the package"):  # fmt: skip
        validator("no_such_package:a.json")


def test_a_document_in_a_store():
    store = open_store("memory://schemas-of-test/shop")
    store.put("item.json", json.dumps(ITEM).encode(), if_version=None)
    store.put("order.json", json.dumps(ORDER).encode(), if_version=None)
    holds(validator("memory://schemas-of-test/shop/order.json"))
    with pytest.raises(SettingsError, match="schema memory://schemas-of-test/shop/no.json: there is no such file"):  # fmt: skip
        validator("memory://schemas-of-test/shop/no.json")


def test_a_document_larger_than_any_is_refused(tmp_path):
    (tmp_path / "record.json").write_bytes(b" " * (16 * 2**20 + 1))
    with pytest.raises(SettingsError, match="record.json: it has more than 16777216 bytes"):  # fmt: skip
        validator(f"{tmp_path}/record.json")


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"properties": {"a": {"type": "text"}}}, 'schema record.json: value is not valid under any of the schemas listed in the \'anyOf\' keyword; correct the document'),
        ({"properties": {"a": {"pattern": "("}}}, 'is not a "regex"'),
        ({"properties": {"a": {"$ref": "#/$defs/no"}}}, "Pointer '/\\$defs/no' does not exist"),
        ({"$schema": "https://example.com/draft", "properties": {"a": {}}}, "\\$schema is https://example.com/draft; it must be that of draft 4, 6, 7, 2019-09, 2020-12"),
        ({"type": "array", "properties": {"a": {}}}, "no record of it is an object"),
        ({"type": "object"}, "it declares no properties"),
        (True, "it declares no properties"),
        (False, "no record of it is an object"),
        ([], "schema record.json: .*; correct the document"),
        ({"properties": {"source_key": {}}}, "property source_key has the name of a column that is added; rename it"),
        ({"properties": []}, "schema record.json: .*; correct the document"),
    ],
)  # fmt: skip
def test_a_document_that_cannot_be_is_refused(tmp_path, document, said):
    with pytest.raises(SettingsError, match=said):
        made(tmp_path, document)


def test_a_property_extra_is_refused_only_if_unknown_fields_are_kept(tmp_path):
    document = {"properties": {"extra": {"type": "integer"}}}
    assert kept(validated(made(tmp_path, document), {"extra": 1})) == ["0"]
    with pytest.raises(SettingsError, match="property extra has the name of a column"):
        made(tmp_path, document, extra="keep")


@pytest.mark.parametrize("text", ["", "{", '{"a": 1, "a": 2}', '{"a": NaN}'])
def test_a_document_that_is_not_strict_json_is_refused(tmp_path, text):
    (tmp_path / "record.json").write_text(text)
    with pytest.raises(SettingsError, match="schema record.json: it is not strict JSON .*; correct the document"):  # fmt: skip
        validator(f"{tmp_path}/record.json")


@pytest.mark.parametrize(
    ("draft", "rows"),
    [
        ("4", []),
        ("6", ["0"]),
        ("7", ["0"]),
        ("2019-09", ["0"]),
        ("2020-12", ["0"]),
    ],
)
def test_the_draft_of_a_document_that_names_none(tmp_path, draft, rows):
    """Only in draft 4, 1.0 is no integer."""
    checked = made(tmp_path, {"properties": {"a": {"type": "integer"}}}, draft=draft)
    assert kept(validated(checked, {"a": 1.0})) == rows
    named = {"$schema": "http://json-schema.org/draft-04/schema#", "properties": {"a": {"type": "integer"}}}  # fmt: skip
    assert kept(validated(made(tmp_path, named, draft=draft), {"a": 1.0})) == []
