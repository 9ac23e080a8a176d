"""Validator ``json-schema``: JSON records against a JSON Schema document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import polars as pl
from typing_extensions import override

from reporting_framework import (
    SOURCE_KEY,
    Batch,
    ColumnFacts,
    Rejection,
    SettingsError,
    Validated,
    Validator,
)
from reporting_framework.builtin.columns import Column
from reporting_framework.builtin.model_columns import EXTRA_COLUMN
from reporting_framework.builtin.reasons import RejectionClassifier
from reporting_framework.builtin.strict_json import parse_strict
from reporting_framework.builtin.unknown_fields import IgnoredFields, as_written
from reporting_framework.plugin_api.validator import InputFormat
from reporting_json_schema.columns import declared_columns
from reporting_json_schema.compiled_schema import CompiledSchema, compiled
from reporting_json_schema.document_paths import DocumentPaths
from reporting_json_schema.document_place import place_of
from reporting_json_schema.documents import Documents
from reporting_json_schema.record_rows import RecordRows
from reporting_json_schema.schema_facts import types_of
from reporting_json_schema.settings import PATH, JsonSchemaSettings

UNKNOWN_FIELD = "additionalProperties"
"""Error type of a record with a field that is not declared, if those are rejected."""

NOT_AN_OBJECT = "type"
"""Error type of a record that the document accepts and that is not an object."""


class JsonSchemaValidator(Validator):
    """Validator of JSON records against a JSON Schema document.

    The columns are the declared properties in their order, then `extra` if unknown
    fields are kept, then the source key. The error type of a rejection is the keyword
    of the first error, in the order of properties.
    """

    name: ClassVar[str] = "json-schema"
    Settings: ClassVar[type[JsonSchemaSettings]] = JsonSchemaSettings
    input_format: ClassVar[InputFormat] = "payloads"

    def __init__(self, settings: JsonSchemaSettings) -> None:
        documents = Documents(place_of(settings.document), settings.draft)
        self._extra = settings.extra
        validator = compiled(documents, formats=settings.formats)
        declared = declared_columns(documents.root, documents, formats=settings.formats)
        paths = DocumentPaths(documents.root, documents)
        self._schema = CompiledSchema(validator, list(declared), paths)
        self._check(settings.document, documents, declared)
        self._reasons = RejectionClassifier(paths)
        self._facts = {name: each.facts for name, each in declared.items()}
        self._names = frozenset(declared)
        columns = {name: each.column for name, each in declared.items()}
        added = EXTRA_COLUMN if self._extra == "keep" else None
        if added is not None:
            columns[added] = Column(pl.String())
            self._facts[added] = ColumnFacts("Unknown fields, as JSON")
        mixed = frozenset(name for name, each in declared.items() if each.mixed)
        self._rows = RecordRows(columns, mixed, added)
        dtypes = {name: column.dtype for name, column in columns.items()}
        self.schema = pl.Schema({**dtypes, SOURCE_KEY: pl.String()})

    @override
    def column_facts(self) -> Mapping[str, ColumnFacts]:
        """Return description, nullability and choices of each column."""
        return self._facts

    @override
    def validate(self, batch: Batch) -> Validated:
        """Return the valid records as rows, and a rejection for each other record."""
        positions: list[int] = []
        records: list[dict[str, Any]] = []
        rejections: list[Rejection] = []
        ignored = IgnoredFields()
        is_valid, names = self._schema.is_valid, self._names
        for at, payload in enumerate(batch.payloads or ()):
            try:
                record = parse_strict(payload)
                if not is_valid(record):
                    reason = self._schema.reason(record, payload)
                elif type(record) is not dict:
                    reason = NOT_AN_OBJECT, None
                elif names.issuperset(record) or self._accepts_unknown(
                    record, payload, ignored
                ):
                    positions.append(at)
                    records.append(record)
                    continue
                else:
                    reason = UNKNOWN_FIELD, None
            except MemoryError:  # the machine's fault, not the record's
                raise
            except Exception as error:
                reason = self._reasons.of(error, payload)
            rejections.append(
                Rejection(batch.source_keys[at], batch.versions[at], *reason)
            )
        frame, misfits = self._rows.of(batch, positions, records)
        return Validated(frame, rejections + misfits, ignored.counts_by_name())

    def _accepts_unknown(
        self, record: dict[str, Any], payload: bytes, ignored: IgnoredFields
    ) -> bool:
        """Count or keep fields that are not declared; return False to reject them."""
        unknown = {name: record[name] for name in record.keys() - self._names}
        if self._extra == "keep":
            record[EXTRA_COLUMN] = as_written(unknown, payload)
        elif self._extra == "ignore":
            ignored.add(unknown)
        return self._extra != "reject"

    def _check(
        self, document: str, documents: Documents, names: Mapping[str, Any]
    ) -> None:
        """Check that records of the document can be rows.

        Raises:
            SettingsError: They cannot.
        """
        subject = f"validator json-schema: schema {document}"
        if "object" not in types_of(documents.root, documents):
            raise SettingsError(
                f"{subject}: no record of it is an object; give a document of type"
                " object",
                path=PATH,
            )
        if not names:
            raise SettingsError(
                f"{subject}: it declares no properties, which are the columns of the"
                " table; declare at least one",
                path=PATH,
            )
        added = {SOURCE_KEY, EXTRA_COLUMN} if self._extra == "keep" else {SOURCE_KEY}
        if taken := added & names.keys():
            raise SettingsError(
                f"{subject}: property {min(taken)} has the name of a column that is"
                " added; rename it",
                path=PATH,
            )
