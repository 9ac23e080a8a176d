"""Reasons for rejection: error type and declared field at fault.

They never hold a message or a value.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Sequence
from typing import Any, Protocol

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from reporting_framework.builtin.strict_json import JSON_INVALID, NotStrict

_log = logging.getLogger(__name__)

Reason = tuple[str, str | None]
"""Error type, and dotted path of declared field names or None."""

OUT_OF_RANGE = "out_of_range"
"""Error type of a valid value that its column cannot hold."""

VALIDATOR_ERROR = "validator_error"
"""Error type of a defect of the model: one of its functions, or a rule, raised an error
that is no finding about a record.
"""

NOT_UTF_8 = "not_utf_8"
"""Error type of bytes in another encoding, or of damaged bytes."""

JSON_BLANKS = b" \t\r\n"


class DeclaredPaths(Protocol):
    """Paths in records, reduced to declared field names."""

    def declared(self, path: Sequence[int | str]) -> str | None:
        """Return the dotted field names along a path of keys and list indices.

        The names end before the first key that is not declared.
        """
        ...


class RejectionClassifier:
    """Classifier of the errors that the validation of a record raises.

    Args:
        paths: Paths of the declared fields.
    """

    def __init__(self, paths: DeclaredPaths) -> None:
        self._paths = paths
        self._logged: set[tuple[str, str]] = set()

    def of(self, error: Exception, payload: bytes) -> Reason:
        """Return the first error in the order of the fields.

        A defect of the model's own functions is ``validator_error``.
        """
        if isinstance(error, ValidationError):
            return self._invalid(error, payload)
        if isinstance(error, PydanticCustomError):
            return error.type, self._named(error.context)
        if isinstance(error, NotStrict):
            if error.error_type == JSON_INVALID:
                return _unreadable(payload), None
            return (
                error.error_type,
                None if error.key is None else self._paths.declared([error.key]),
            )
        self._log_once(error)
        return VALIDATOR_ERROR, None

    def _log_once(self, error: Exception) -> None:
        """Log the place where a function of the model raised, once for each place.

        The message is not logged, as it may hold a value.
        """
        frames = [*traceback.walk_tb(error.__traceback__)]
        where = (
            f"{frames[-1][0].f_code.co_filename}:{frames[-1][1]}"
            if frames
            else "an unknown place"
        )
        if (kind := type(error).__name__, where) not in self._logged:
            self._logged.add((kind, where))
            _log.warning(
                "%s raised at %s: such records are rejected as %s",
                kind,
                where,
                VALIDATOR_ERROR,
            )

    def _invalid(self, error: ValidationError, payload: bytes) -> Reason:
        first = error.errors(include_url=False, include_input=False)[0]
        if first["type"] == JSON_INVALID:
            return _unreadable(payload), None
        return first["type"], self._paths.declared(first["loc"]) or self._named(
            first.get("ctx")
        )

    def _named(self, context: dict[str, Any] | None) -> str | None:
        """Return the field that a rule over several fields names in its context."""
        named = (context or {}).get("field")
        return self._paths.declared([named]) if isinstance(named, str) else None


def _unreadable(payload: bytes) -> str:
    """Return the error type of a payload that is not JSON."""
    if not payload.strip(JSON_BLANKS):
        return "empty"
    try:
        payload.decode()
    except UnicodeDecodeError:
        return NOT_UTF_8
    return JSON_INVALID
