"""Compiled document: verdicts on records, and the reasons for rejection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jsonschema_rs

from reporting_framework._text.messages import cause, one_line
from reporting_framework.builtin.reasons import Reason
from reporting_framework.errors import SettingsError
from reporting_json_schema.document_paths import DocumentPaths
from reporting_json_schema.documents import Documents
from reporting_json_schema.settings import PATH, Draft

LONG = 10_000
"""Number of bytes of a record from which not all of its errors are looked at: an array
may have one for each item, and each takes 10 microseconds.
"""

_CLASSES: dict[Draft, type[jsonschema_rs.Validator]] = {
    "4": jsonschema_rs.Draft4Validator,
    "6": jsonschema_rs.Draft6Validator,
    "7": jsonschema_rs.Draft7Validator,
    "2019-09": jsonschema_rs.Draft201909Validator,
    "2020-12": jsonschema_rs.Draft202012Validator,
}


class CompiledSchema:
    """Compiled document.

    Args:
        validator: The document, compiled by `compiled`.
        fields: Names of the fields, in their order.
        paths: Paths of the declared fields.

    Attributes:
        is_valid: Function that returns whether a parsed record is valid.
    """

    def __init__(
        self,
        validator: jsonschema_rs.Validator,
        fields: Sequence[str],
        paths: DocumentPaths,
    ) -> None:
        self._validator = validator
        self._order = {name: number for number, name in enumerate(fields)}
        self._paths = paths
        self.is_valid: Callable[[Any], bool] = validator.is_valid

    def reason(self, record: Any, payload: bytes) -> Reason:
        """Return keyword and field of the first error, in the order of fields.

        Of a long record, it is the first error that jsonschema-rs finds.

        Args:
            record: A record that is not valid.
            payload: Its text.
        """
        if len(payload) < LONG:
            errors = self._validator.iter_errors(record)
            return min(map(self._reason_of, errors), key=self._position)
        try:
            self._validator.validate(record)
        except jsonschema_rs.ValidationError as error:
            return self._reason_of(error)
        raise ValueError("the record is valid")

    def _reason_of(self, error: jsonschema_rs.ValidationError) -> Reason:
        path = error.instance_path
        missing = getattr(error.kind, "property", None)
        if isinstance(missing, str):
            path = [*path, missing]
        return error.kind.name, self._paths.declared(path)

    def _position(self, reason: Reason) -> int:
        """Return the position of a reason's field; errors of the record come last."""
        name = (reason[1] or "").partition(".")[0]
        return self._order.get(name, len(self._order))


def compiled(documents: Documents, *, formats: bool) -> jsonschema_rs.Validator:
    """Compile a document.

    Args:
        documents: The document, and those that it refers to.
        formats: Whether formats are checked.

    Raises:
        SettingsError: It is not a valid schema, or refers to a document that cannot be
            read.
    """
    schema, base = documents.root
    try:
        return _CLASSES[documents.draft](
            schema,
            validate_formats=formats,
            retriever=documents.retrieve,
            base_uri=base,
            mask="value",
        )
    except Exception as error:  # its own errors, and those of `retrieve`
        if documents.problem is not None:
            raise documents.problem from error
        text = getattr(error, "message", None)
        raise SettingsError(
            f"validator json-schema: schema {documents.name}:"
            f" {one_line(text) if isinstance(text, str) else cause(error)}; correct the"
            " document",
            path=PATH,
        ) from error
