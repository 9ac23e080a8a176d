"""The validators ``visit-event`` and ``visit-event-v2``."""

from __future__ import annotations

from typing import Any, ClassVar

from typing_extensions import override

from reporting_event_log_checkpoint import models
from reporting_framework.builtin.pydantic_validator import ModelValidator


class VisitEventValidator(ModelValidator):
    """Validator of visit events in the published form."""

    name: ClassVar[str] = "visit-event"
    model = models.VisitEvent
    defaults = models.DEFAULTS


class VisitEventV2Validator(ModelValidator):
    """Validator of the current producer's visit events, with the published columns."""

    name: ClassVar[str] = "visit-event-v2"
    model = models.VisitEventV2
    defaults = models.DEFAULTS
    excluded_fields = models.WITHOUT_COLUMN

    @override
    def check_record(self, record: dict[str, Any]) -> dict[str, Any]:
        return models.only_with_its_datatype(record)
