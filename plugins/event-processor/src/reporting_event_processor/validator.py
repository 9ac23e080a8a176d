"""The validator ``experiment-event``."""

from __future__ import annotations

from typing import ClassVar

from reporting_event_processor.models import ExperimentEvent
from reporting_framework.builtin.pydantic_validator import ModelValidator


class ExperimentEventValidator(ModelValidator):
    """Events of experiments."""

    name: ClassVar[str] = "experiment-event"
    model = ExperimentEvent
