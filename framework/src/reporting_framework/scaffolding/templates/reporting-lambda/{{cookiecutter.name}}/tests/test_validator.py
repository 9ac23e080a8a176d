"""What a record must be: the promises of every validator, with records of our own."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any{{ '' if cookiecutter.__validator == 'own' else ', ClassVar' }}

import pytest
{% if cookiecutter.__validator == "own" %}
from reporting_framework.testing import CANARY, ValidatorContract

from {{ cookiecutter.__package }}.validator import RecordValidator
{% else %}
from reporting_framework import ModelValidator
from reporting_framework.testing import CANARY, ValidatorContract

from {{ cookiecutter.__package }}.models import Record
{% endif %}

GOOD = {"record_id": CANARY, "subject": "s-1", "kind": "start", "value": 1.5, "timestamp": "2024-01-09T08:30:00Z"}


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in GOOD.items() if key != name}


{% if cookiecutter.__validator != "own" %}
class RecordValidator(ModelValidator):
    """The model, as the validator that the report uses takes it."""

    name: ClassVar[str] = "pydantic"
    model = Record


{% endif %}
class TestRecords(ValidatorContract):
    plugin = RecordValidator
    strict = True

    @pytest.fixture
    def settings(self) -> Mapping[str, Any]:
        return {}

    @pytest.fixture
    def good(self) -> Sequence[Any]:
        return [json.dumps(record).encode() for record in (GOOD, without("value"))]

    @pytest.fixture
    def bad(self) -> Sequence[tuple[Any, ...]]:
        return [
            (json.dumps(without("subject")).encode(), "missing", "subject"),
            (json.dumps({**GOOD, "kind": CANARY}).encode(), "literal_error", "kind"),
            (json.dumps({**GOOD, "timestamp": CANARY}).encode(), "datetime_from_date_parsing", "timestamp"),
            (json.dumps({**GOOD, "timestamp": "2024-01-09T08:30:00"}).encode(), "timezone_aware", "timestamp"),
{% if cookiecutter.__validator == "own" %}
            (json.dumps({**without("value"), "kind": "stop"}).encode(), "missing", "value"),
{% endif %}
            (b'{"record_id": "%s"' % CANARY.encode(), "json_invalid"),
        ]
