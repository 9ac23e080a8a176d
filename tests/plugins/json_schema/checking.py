"""Validators of documents in a folder, and what they do with records."""

import json

from reporting_framework import SOURCE_KEY, Batch
from reporting_json_schema.validator import JsonSchemaValidator


def made(folder, document, **settings):
    """The validator of a document, which is written to a file."""
    (folder / "record.json").write_text(json.dumps(document))
    place = f"{folder}/record.json"
    return JsonSchemaValidator(JsonSchemaValidator.Settings(schema=place, **settings))


def validated(validator, *records):
    """The result for records: bytes, or values to be written as JSON."""
    payloads = [
        record if isinstance(record, bytes) else json.dumps(record).encode()
        for record in records
    ]
    keys = [str(number) for number in range(len(payloads))]
    result = validator.validate(Batch(keys, [f"v{key}" for key in keys], payloads))
    assert result.frame.schema == validator.schema
    return result


def reasons(result):
    """Source key, error type and field of each rejection."""
    return [
        (each.source_key, each.error_type, each.field) for each in result.rejections
    ]


def kept(result):
    """Source keys of the rows."""
    return result.frame[SOURCE_KEY].to_list()
