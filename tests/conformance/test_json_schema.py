"""reporting-json-schema keeps the promises of a validator."""

import json

import pytest

from reporting_framework.testing import CANARY, ValidatorContract
from reporting_json_schema.validator import JsonSchemaValidator
from tests.conformance.unknown_fields import UNKNOWN_FIELDS

DOCUMENT = {
    "type": "object",
    "required": ["text"],
    "properties": {
        "text": {"type": "string", "maxLength": 40},
        "number": {"type": ["integer", "null"], "minimum": 0},
        "day": {"type": "string", "format": "date"},
        "moment": {"type": "string", "format": "date-time"},
        "named": {"type": "object", "properties": {"inner": {"type": "integer"}}},
        "a": True,
    },
    "anyOf": [{"properties": {"number": {"type": "integer"}}}, {"required": ["day"]}],
}


class TestJsonSchemaValidator(ValidatorContract):
    plugin = JsonSchemaValidator

    @pytest.fixture(params=UNKNOWN_FIELDS)
    def settings(self, request, tmp_path):
        (tmp_path / "record.json").write_text(json.dumps(DOCUMENT))
        return {"schema": f"{tmp_path}/record.json", "extra": request.param}

    @pytest.fixture
    def good(self):
        records = [
            {"text": CANARY, "a": {CANARY: [CANARY]}},
            {"text": CANARY, "number": 7, "day": "2024-01-02", "named": {CANARY: 1}},
            {"text": CANARY, "number": 1.0, "moment": "2024-01-02T03:04:05.123456789+01:00"},
        ]  # fmt: skip
        return [json.dumps(record).encode() for record in records]

    @pytest.fixture
    def bad(self):
        cases = [
            ({"named": {CANARY: 1}}, "required", "text"),
            ({"text": CANARY * 5}, "maxLength", "text"),
            ({"text": "x", "number": CANARY}, "type", "number"),
            ({"text": CANARY, "number": -1}, "minimum", "number"),
            ({"text": "x", "day": CANARY}, "format", "day"),
            ({"text": "x", "named": {CANARY: 1, "inner": CANARY}}, "type", "named.inner"),
            ({"text": CANARY, "number": None}, "anyOf", None),
            ({"text": CANARY, "number": 2**63}, "out_of_range", "number"),
            ({"text": CANARY, "day": "0000-01-01"}, "out_of_range", "day"),
            ([CANARY], "type", None),
        ]  # fmt: skip
        return [
            *((json.dumps(record).encode(), *reason) for record, *reason in cases),
            (CANARY.encode(), "json_invalid", None),
            (b" ", "empty", None),
            (b'{"text": "\xff"}', "not_utf_8", None),
            (b'{"text": "x", "number": NaN}', "json_invalid", None),
            (b'{"text": "x", "text": "%s"}' % CANARY.encode(), "duplicate_key", "text"),
            (b'{"text": "x", "a": {"b": 1, "b": 2}}', "duplicate_key", None),
        ]
