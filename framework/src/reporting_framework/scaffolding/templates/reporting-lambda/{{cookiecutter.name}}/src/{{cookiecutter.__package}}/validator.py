"""The validator: the model's rules, and one over several fields."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic_core import PydanticCustomError
from reporting_framework import ModelValidator
from typing_extensions import override

from {{ cookiecutter.__package }}.models import Record


class RecordValidator(ModelValidator):
    """What a record must be."""

    name: ClassVar[str] = "{{ cookiecutter.name }}"
    model = Record

    @override
    def check_record(self, record: dict[str, Any]) -> dict[str, Any]:
        """A record of the kind ``stop`` has a value."""
        if record["kind"] == "stop" and record["value"] is None:
            raise PydanticCustomError("missing", "a stop has a value", {"field": "value"})
        return record
